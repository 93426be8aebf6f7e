// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { bindParams } from "#shared/pipeline/bind.ts";
import { evaluateCondition } from "#shared/pipeline/condition.ts";
import type { PipelineDefinition } from "#shared/pipeline/definition.ts";
import { expandSteps, isDynamic } from "#shared/pipeline/expand.ts";
import { keys } from "#shared/pipeline/keys.ts";
import { parsePipeline } from "#shared/pipeline/parse.ts";
import { unsupportedKeys } from "#shared/pipeline/unsupported.ts";

/** Either a definition that can be run, or at least one problem that stands inside its file. */
const expectAnswer = (text: string, files: Record<string, string> = {}): void => {
	const { definition, problems } = parsePipeline(text, "p.yaml", files);
	expect(definition === null).toBe(problems.length > 0);
	for (const { file, line, column, message } of problems) {
		const lines = (file === "p.yaml" ? text : (files[file] ?? "")).split(/\r?\n/).length;
		expect(line).toBeGreaterThanOrEqual(1);
		expect(line).toBeLessThanOrEqual(lines);
		expect(column).toBeGreaterThanOrEqual(1);
		expect(message).not.toBe("");
	}
	if (definition !== null) expectRunnable(definition);
};

const expectRunnable = (definition: PipelineDefinition): void => {
	const cells = expandSteps(definition);
	expect(cells.length).toBeGreaterThan(0);
	expect(new Set(cells.map(({ key }) => key)).size).toBe(cells.length);
	const params = Object.fromEntries(
		Object.entries(definition.params).map(([name, param]) => [name, param.default ?? 1]),
	);
	const left = new Map(bindParams(definition, params).steps.map((step) => [step.name, step]));
	expect(left.size).toBe(definition.steps.length);
	for (const { needs, inputs, matrix, condition } of left.values()) {
		for (const need of needs) expect(left.has(need)).toBe(true);
		const axes = Object.values(matrix ?? {}).filter((axis) => !Array.isArray(axis));
		for (const { step, output } of [...Object.values(inputs), ...axes] as { step: string; output: string }[]) {
			expect(needs).toContain(step);
			const source = left.get(step);
			expect(Object.keys(source?.outputs ?? {})).toContain(output);
			expect(source?.matrix).toBe(null);
		}
		for (const { step, output } of axes as { step: string; output: string }[]) {
			expect(left.get(step)?.values).toContain(output);
		}
		if (condition === null) continue;
		const scope = { params, matrix: {}, steps: () => null, succeeded: true, failed: false };
		expect(evaluateCondition(condition.source, scope).found).not.toContain("can't be read");
	}
	// Every step gets its turn.
	for (let before = -1; before !== left.size && left.size > 0; ) {
		before = left.size;
		for (const [name, { needs }] of left) if (needs.every((need) => !left.has(need))) left.delete(name);
	}
	expect([...left.keys()]).toEqual([]);
	expect(
		cells.filter(({ definition: step }) => isDynamic(step)).every(({ matrix }) => Object.keys(matrix).length === 0),
	).toBe(true);
};

const word = fc.oneof(
	fc.constantFrom(...new Set([...Object.values(keys).flat(), ...Object.keys(unsupportedKeys)])),
	fc.constantFrom(
		"a",
		"b",
		"c.out",
		"a.out",
		"select",
		"deploy",
		"approve",
		"pipeline",
		"noop",
		"sub.yaml",
		"inputs.a",
		"bash",
		"1Gi",
		"30m",
		"x > 1",
		"../x",
		"__proto__",
	),
	fc.constantFrom("${{ params.a }}", "${{ matrix.x", "${{ }}", "x ${{ matrix.a }}", "${{ steps.a.outputs.out }}"),
	fc.constantFrom("failed()", "params.a == 1", "steps.b.state == 'failed'", "steps.c.metrics.m > 1 &&", "!always()"),
);
const leaf = fc.oneof(word, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.string());

const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
	tree: fc.oneof(
		{ maxDepth: 5, withCrossShrink: true },
		leaf,
		fc.array(tie("tree"), { maxLength: 4 }),
		fc.dictionary(fc.oneof({ weight: 5, arbitrary: word }, { weight: 1, arbitrary: fc.string() }), tie("tree"), {
			maxKeys: 6,
		}),
	),
}));

/** Nearly a pipeline: steps that name each other, each key with any value now and then. */
const value = fc.oneof({ weight: 1, arbitrary: tree }, { weight: 2, arbitrary: word });
const step = fc.record(Object.fromEntries(keys.step.map((key) => [key, value])), { requiredKeys: [] });
const steps = fc.dictionary(fc.constantFrom("a", "b", "c", "train"), step, { minKeys: 1 });
const pipeline = fc.record(
	{
		name: fc.constant("p"),
		params: value,
		defaults: value,
		steps,
		timeout: value,
		concurrency: value,
		on_failure: steps,
	},
	{ requiredKeys: ["name", "steps"] },
);

/** Pipelines that are mostly good: steps of all kinds that name earlier ones, in files that use each other. */
const names = ["a", "b", "c", "d", "e"];

const goodStep = (earlier: readonly string[], isSub: boolean): fc.Arbitrary<object> => {
	const [first] = earlier;
	const command = { run: fc.constantFrom("x", "x ${{ params.n }}"), outputs: fc.constant(["out"]) };
	if (first === undefined) return fc.record(command);
	const name = fc.oneof({ weight: 3, arbitrary: fc.constant(first) }, fc.constantFrom(...earlier));
	const output = name.map((step) => `${step}.out`);
	const condition = fc.oneof(
		fc.constantFrom("params.n > 1", "always()", "failed() && params.n == 1", "${{ succeeded() }}"),
		fc
			.constantFrom("state == 'failed'", "outputs.out", "outputs.out != 1 || false")
			.chain((rest) => name.map((step) => `steps.${step}.${rest}`)),
	);
	const common = { if: condition, needs: name };
	const given = isSub ? fc.oneof(output, fc.constant("inputs.given")) : output;
	const uses = (word: string, given: fc.Arbitrary<object>) => ({ ...common, uses: fc.constant(word), with: given });
	return fc.oneof(
		{
			weight: 3,
			arbitrary: fc.record(
				{ ...common, ...command, inputs: fc.record({ i: given }) },
				{ requiredKeys: ["run", "outputs"] },
			),
		},
		fc.record(
			{
				...common,
				run: name.map((step) => `x ${"${{"} steps.${step}.outputs.out }} ${"${{"} matrix.x }}`),
				matrix: fc.record({ x: fc.oneof(given, fc.constant([1, 2])) }),
			},
			{ requiredKeys: ["run", "matrix"] },
		),
		fc.record(uses("select", fc.record({ from: fc.constant(first), metric: fc.constant("m") })), {
			requiredKeys: ["uses", "with"],
		}),
		fc.record(uses("approve", fc.constant({ message: "ok ${{ params.n }}?" })), { requiredKeys: ["uses", "with"] }),
		fc.record(
			uses(
				"pipeline",
				fc.record({
					file: isSub ? fc.constant("two.yaml") : fc.constantFrom("one.yaml", "two.yaml"),
					params: fc.constantFrom({}, { n: 5 }, { n: "${{ params.n }}" }),
					inputs: fc.record({ given }),
				}),
			),
			{ requiredKeys: ["uses", "with"] },
		),
	);
};

const goodSteps = (isSub: boolean) =>
	fc
		.integer({ min: 1, max: names.length })
		.chain((count) => fc.tuple(...names.slice(0, count).map((_, index) => goodStep(names.slice(0, index), isSub))))
		.map((all) => Object.fromEntries(all.map((each, index) => [names[index], each])));

const subFile = fc.record({
	params: fc.constant({ n: 1 }),
	inputs: fc.constant(["given"]),
	outputs: fc.constant({ out: "a.out" }),
	steps: goodSteps(true),
});
const mainFile = fc.record(
	{
		name: fc.constant("p"),
		params: fc.constant({ n: 1 }),
		steps: goodSteps(false),
		on_failure: fc.constant({ tell: { run: "x ${{ steps.a.state }}" } }),
	},
	{ requiredKeys: ["name", "params", "steps"] },
);

describe("the parser always answers", () => {
	it("for any text", () =>
		fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => expectAnswer(text))));

	it("for text made of what YAML is made of", () => {
		const piece = fc.constantFrom(
			..."-?:,[]{}#&*!|>'\"%@` \t\n\r\\",
			"\n  ",
			": ",
			"- ",
			"&a ",
			"*a",
			"<<: ",
			"name: p",
			"steps:",
			"run",
			"---",
			"...",
		);
		fc.assert(
			fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => expectAnswer(pieces.join(""))),
			{ numRuns: 500 },
		);
	});

	it("for any tree", () =>
		fc.assert(
			fc.property(tree, (any) => expectAnswer(stringify(any))),
			{ numRuns: 300 },
		));

	it("for what is nearly a pipeline", () => {
		fc.assert(
			fc.property(pipeline, (any) => expectAnswer(stringify(any))),
			{ numRuns: 100 },
		);
	});

	it("for what is mostly a good pipeline, with its files", () => {
		let good = 0;
		fc.assert(
			fc.property(mainFile, subFile, subFile, (main, one, two) => {
				const files = { "one.yaml": stringify(one), "two.yaml": stringify(two) };
				expectAnswer(stringify(main), files);
				if (parsePipeline(stringify(main), "p.yaml", files).problems.length === 0) good++;
			}),
			{ numRuns: 200 },
		);
		expect(good).toBeGreaterThan(20);
	});

	it("for a good file cut off or with a piece left out", () => {
		const good = stringify({
			name: "p",
			params: { epochs: { type: "integer", default: 4, min: 1 } },
			defaults: { retries: { max: 2, on: ["error"] }, env: { A: "${{ params.epochs }}" } },
			steps: {
				prepare: { run: "x", outputs: ["list"], if: "params.epochs > 1", cache: { ttl: "7d" } },
				ask: { uses: "approve", with: { message: "ok?" }, if: "steps.prepare.outputs.list != null" },
				train: {
					run: "x ${{ matrix.x }} ${{ matrix.y }}",
					matrix: { x: [1, 2], y: "prepare.list" },
					outputs: ["model"],
					resources: { gpu: "A100:40GB:2" },
				},
				best: { uses: "select", with: { from: "train", metric: "m", mode: "min" } },
				deploy: { uses: "deploy", with: { model: "best.model", name: "d" } },
			},
			on_failure: { tell: { run: "x", concurrency: { group: "g", max: 2 } } },
		});
		expect(parsePipeline(good, "p.yaml").problems).toEqual([]);
		fc.assert(
			fc.property(fc.nat(good.length), fc.nat(40), (from, length) => {
				expectAnswer(good.slice(0, from));
				expectAnswer(good.slice(0, from) + good.slice(from + length));
			}),
			{ numRuns: 300 },
		);
	});
});
