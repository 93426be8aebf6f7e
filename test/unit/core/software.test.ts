// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests

/** Steps that bring a container image or packages: what their tasks say, where they go, what they are waited for with. */

import { describe, expect, it } from "vitest";
import { keyOf } from "#coordinator/core/cache-key.ts";
import type { Step } from "#coordinator/core/state.ts";
import { waitsOf } from "#coordinator/waiting.ts";
import type { StepEnvironment } from "#shared/domain.ts";
import type { AgentId, RunId, StepKey } from "#shared/ids.ts";
import { parsePipeline } from "#shared/pipeline/parse.ts";
import { CoreMesh } from "#test/support/core-mesh.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";

const python: StepEnvironment = { kind: "python", file: "requirements.txt", packages: ["numpy"], version: "3.12" };

const wait = (mesh: CoreMesh) => waitsOf(mesh.state, "r1" as RunId).get("one" as StepKey)?.[0];

describe("a task", () => {
	it("says its environment, and limits only where the file has them", () => {
		const mesh = new CoreMesh();
		mesh.agent("box", 4, { runtimes: { uv: "0.5" } });
		const resources = { ...stepOf("one").resources, memoryBytes: 1024 };
		mesh.submit(pipelineOf(stepOf("one", { environment: python, resources, limits: { cpu: false, memory: true } })));
		expect(mesh.takeTask("one")).toMatchObject({
			image: "",
			environment: python,
			limits: { cpuMillis: 0, memoryBytes: 1024, diskBytes: 0 },
		});
	});

	it("says its image with its expressions resolved", () => {
		const mesh = new CoreMesh();
		mesh.agent("box", 4, { runtimes: { docker: "27" } });
		const image = "python:${{ params.tag }}";
		mesh.submit(pipelineOf(stepOf("one", { image })), "r1", { params: { tag: "3.12" } });
		expect(mesh.takeTask("one").image).toBe("python:3.12");
	});

	it("is not made for what is no image once it is resolved", () => {
		const mesh = new CoreMesh();
		mesh.agent("box", 4, { runtimes: { docker: "27" } });
		mesh.submit(pipelineOf(stepOf("one", { image: "${{ params.image }}" })), "r1", {
			params: { image: "--privileged" },
		});
		expect(mesh.tasks).toEqual([]);
		const [ended] = mesh.journal.filter(({ kind }) => kind === "attemptEnded");
		expect(ended).toMatchObject({
			failure: { message: expect.stringContaining("`image` is `--privileged` for this step, expected an image") },
		});
	});
});

describe("placement", () => {
	it.each([
		["no Python: install python3, or uv with an interpreter", { environment: python }, "uv"],
		["no conda: install micromamba, mamba or conda", { environment: { ...python, kind: "conda" as const } }, "mamba"],
		["no container engine answers there: start docker or podman, or install one", { image: "a" }, "podman"],
	])("%s", (reason, changes, runtime) => {
		const mesh = new CoreMesh();
		mesh.agent("bare");
		mesh.submit(pipelineOf(stepOf("one", changes)));
		expect(wait(mesh)?.blockers).toEqual([{ kind: "agent", id: "bare", reason }]);
		expect(mesh.tasks).toEqual([]);
		mesh.agent("able", 2, { runtimes: { [runtime]: "1.0" } });
		expect(mesh.takeTask("one")).toBeDefined();
	});
});

it("a step that is being set up says so", () => {
	const mesh = new CoreMesh();
	const box = mesh.agent("box", 4, { runtimes: { python: "3.12" } });
	mesh.submit(pipelineOf(stepOf("one", { environment: python })));
	const task = mesh.takeTask("one");
	expect(wait(mesh)?.what).toBe("box has been given it and has not said yet that it runs");
	mesh.beat(box, [task], "s1", "preparing");
	expect(wait(mesh)).toMatchObject({
		what: "box sets up its environment: `runmesh logs -f` shows how far it is",
		blockers: [{ kind: "agent", id: "box" as AgentId, reason: "prepares one" }],
	});
	mesh.nowMs += 60_000;
	const reply = mesh.beat(box, [task], "s1", "preparing");
	expect(reply.stop).toEqual([]);
	expect(mesh.tasks).toEqual([]);
	mesh.beat(box, [task], "s1", "running");
	expect(wait(mesh)).toBeUndefined();
});

describe("the cache", () => {
	const keyWith = (changes: Parameters<typeof stepOf>[1]) => {
		const mesh = new CoreMesh();
		mesh.submit(pipelineOf(stepOf("one", { cache: { ttlMs: 0 }, ...changes })));
		const step = mesh.state.runs.get("r1" as RunId)?.steps.get("one" as StepKey) as Step;
		return keyOf(step);
	};

	it("tells steps apart by what they bring, and those that bring nothing as it always did", () => {
		const keys = [{}, { image: "a" }, { image: "b" }, { environment: python }, { nodes: 2 }].map(keyWith);
		expect(new Set(keys.map((key) => key?.key)).size).toBe(keys.length);
		expect(Object.keys(JSON.parse(keys[0]?.partsJson ?? "{}")).sort()).toEqual(
			["command", "shell", "workdir", "env", "inputs", "outputs", "params", "matrix"].sort(),
		);
		expect(JSON.parse(keys[3]?.partsJson ?? "{}").environment).toEqual(python);
	});
});

it("a sub-pipeline's image speaks of its own parameters and steps", () => {
	const files = {
		"sub.yaml":
			"params: {tag: x}\nsteps:\n  a: {run: x, outputs: [v]}\n  b: {run: x, image: 'i:${{ params.tag }}-${{ steps.a.outputs.v }}', nodes: 2, python: none}",
	};
	const text = "name: p\nsteps: {s: {uses: pipeline, with: {file: sub.yaml, params: {tag: '1'}}}}";
	const { definition } = parsePipeline(text, "p.yaml", files);
	const step = definition?.steps.find(({ name }) => name === "s.b");
	expect(step).toMatchObject({
		...{ image: "i:${{ params.tag }}-${{ steps.s.a.outputs.v }}", nodes: 2, params: { tag: "1" } },
		needs: ["s.a"],
	});
	expect(definition?.steps.find(({ name }) => name === "s.a")?.values).toEqual(["v"]);
});
