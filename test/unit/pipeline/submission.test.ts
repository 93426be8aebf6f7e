// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests

import { describe, expect, it } from "vitest";
import { readSubmission } from "#coordinator/submission.ts";
import type { SubmitRequest } from "#shared/api.ts";

const request = (changes: Partial<SubmitRequest>): SubmitRequest => ({
	pipeline:
		"name: p\nparams: {x: a}\nsteps: {s: {uses: pipeline, with: {file: s.yaml, params: {y: '${{ params.x }}'}}}}",
	file: "p.yaml",
	params: {},
	code: null,
	submissionId: "s1",
	files: { "s.yaml": "params: {y: b}\nsteps: {a: {run: x}}" },
	cache: "use",
	reuse: null,
	...changes,
});

describe("a submission", () => {
	it("has its sub-pipelines, with the run's parameters put in", () => {
		const { definition, params } = readSubmission(request({ params: { x: "given" } }));
		expect(params).toEqual({ x: "given" });
		expect(definition.steps.map((step) => [step.name, step.params])).toEqual([
			["s.a", { y: "given" }],
			["s", null],
		]);
	});

	it("is refused with every problem, and the file it is in", () => {
		expect(() => readSubmission(request({ files: {} }))).toThrowError(
			expect.objectContaining({
				code: "RM_PIPELINE_INVALID",
				details: [expect.objectContaining({ file: "p.yaml", line: 3, message: "there is no file `s.yaml`" })],
			}),
		);
		expect(() => readSubmission(request({ params: { z: 1 } }))).toThrowError(
			expect.objectContaining({ code: "RM_BAD_INPUT" }),
		);
	});

	it("is refused when its parameters make too much of it", () => {
		const steps = Array.from({ length: 200 }, (_, index) => `a${index}: {run: x}`).join(", ");
		const files = { "s.yaml": `params: {y: b}\nsteps: {${steps}}` };
		const long = "x".repeat(100_000);
		expect(() => readSubmission(request({ files, params: { x: long } }))).toThrowError(
			expect.objectContaining({ code: "RM_TOO_LARGE", message: expect.stringContaining("6 MiB") }),
		);
		expect(readSubmission(request({ files, params: { x: "short" } })).definition.steps).toHaveLength(201);
	});
});
