// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "#shared/pipeline/canonical.ts";
import type { ParamValue, PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";
import { cellCount, cellsOf, expandMatrix, expandSteps, isDynamic } from "#shared/pipeline/expand.ts";
import { parsed } from "./parsed.ts";

const withMatrix = (matrix: Record<string, ParamValue[]> | null): PipelineDefinition => {
	const definition = parsed("name: p\nsteps: {first: {run: x}, m: {run: x}}");
	return { ...definition, steps: definition.steps.map((step) => (step.name === "m" ? { ...step, matrix } : step)) };
};

describe("expandSteps", () => {
	it("turns the last axis fastest and keeps the order of the file", () => {
		const definition = parsed(`
name: p
steps:
  prepare: {run: x}
  train: {run: x, matrix: {seed: [1, 2], lr: [0.1, 0.03]}}
`);
		const cells = expandSteps(definition).map(({ key, index, matrix }) => ({ key, index, matrix }));
		expect(cells).toEqual([
			{ key: "prepare", index: 0, matrix: {} },
			{ key: "train.0", index: 0, matrix: { seed: 1, lr: 0.1 } },
			{ key: "train.1", index: 1, matrix: { seed: 1, lr: 0.03 } },
			{ key: "train.2", index: 2, matrix: { seed: 2, lr: 0.1 } },
			{ key: "train.3", index: 3, matrix: { seed: 2, lr: 0.03 } },
		]);
	});

	it("numbers the cells alike after the journal", () => {
		const definition = parsed("name: p\nsteps: {m: {run: x, matrix: {z: [1, 2], a: [3, 4, 5]}}}");
		const replayed = JSON.parse(canonicalJson(definition)) as PipelineDefinition;
		expect(expandSteps(replayed)).toEqual(expandSteps(definition));
	});

	it("makes each combination once", () => {
		const axes = fc.dictionary(
			fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/),
			fc.uniqueArray(fc.nat(1000), { minLength: 1, maxLength: 5 }),
			{ minKeys: 1, maxKeys: 5 },
		);
		fc.assert(
			fc.property(axes, (matrix) => {
				const cells = expandSteps(withMatrix(matrix)).slice(1);
				const product = Object.values(matrix).reduce((size, values) => size * values.length, 1);
				expect(cells).toHaveLength(product);
				expect(new Set(cells.map((cell) => JSON.stringify(cell.matrix))).size).toBe(product);
				expect(cells.map((cell) => cell.key)).toEqual(cells.map((_, index) => `m.${index}`));
				for (const cell of cells) expect(Object.keys(cell.matrix)).toEqual(Object.keys(matrix));
			}),
		);
	});

	it("expands ten thousand cells", () => {
		const values = Array.from({ length: 100 }, (_, value) => value);
		const cells = expandSteps(withMatrix({ a: values, b: values }));
		expect(cells).toHaveLength(10_001);
		expect(cells.at(-1)).toMatchObject({ key: "m.9999", matrix: { a: 99, b: 99 } });
	});
});

describe("an axis of mappings", () => {
	it("gives each cell its keys", () => {
		const definition = parsed(
			"name: p\nsteps: {m: {run: x, matrix: {opt: [{name: sgd, lr: 0.1}, {lr: 1, name: adam}], seed: [1, 2]}}}",
		);
		expect(expandSteps(definition).map(({ key, matrix }) => [key, matrix])).toEqual([
			["m.0", { "opt.name": "sgd", "opt.lr": 0.1, seed: 1 }],
			["m.1", { "opt.name": "sgd", "opt.lr": 0.1, seed: 2 }],
			["m.2", { "opt.name": "adam", "opt.lr": 1, seed: 1 }],
			["m.3", { "opt.name": "adam", "opt.lr": 1, seed: 2 }],
		]);
		const replayed = JSON.parse(canonicalJson(definition)) as PipelineDefinition;
		expect(expandSteps(replayed)).toEqual(expandSteps(definition));
	});
});

describe("a matrix from an earlier step's output", () => {
	const definition = parsed(`
name: p
steps:
  prepare: {run: x, outputs: [shards]}
  train: {run: "x \${{ matrix.seed }}", matrix: {shard: prepare.shards, seed: [1, 2]}}
  named: {run: "x \${{ matrix.shard.name }}", env: {P: "\${{ matrix.shard.path }}"}, matrix: {shard: prepare.shards}}
  asked: {run: x, if: matrix.shard.size > 3, matrix: {shard: prepare.shards}}
  grouped: {run: x, concurrency: "g-\${{ matrix.shard.gpu }}", matrix: {shard: prepare.shards}}
`);
	const stepOf = (name: string): StepDefinition =>
		definition.steps.find((step) => step.name === name) ?? expect.fail(name);
	const train = stepOf("train");

	it("is one cell until then", () => {
		expect(definition.steps.map(isDynamic)).toEqual([false, true, true, true, true]);
		expect(cellCount(train)).toBe(1);
		expect(expandSteps(definition).map(({ key, index, matrix }) => ({ key, index, matrix }))).toEqual([
			{ key: "prepare", index: 0, matrix: {} },
			{ key: "train", index: 0, matrix: {} },
			{ key: "named", index: 0, matrix: {} },
			{ key: "asked", index: 0, matrix: {} },
			{ key: "grouped", index: 0, matrix: {} },
		]);
		expect(train.needs).toEqual(["prepare"]);
		expect(stepOf("prepare").values).toEqual(["shards"]);
	});

	it("has the cells of what the output says", () => {
		const read: unknown[] = [];
		const expanded = expandMatrix(train, (ref) => {
			read.push(ref);
			return ["a", "b"];
		});
		expect(read).toEqual([{ step: "prepare", output: "shards" }]);
		const cells = [
			{ shard: "a", seed: 1 },
			{ shard: "a", seed: 2 },
			{ shard: "b", seed: 1 },
			{ shard: "b", seed: 2 },
		];
		expect(expanded).toEqual({ cells });
		expect(cellsOf(train, cells).map(({ key, index, matrix }) => ({ key, index, matrix }))).toEqual(
			cells.map((matrix, index) => ({ key: `train.${index}`, index, matrix })),
		);
	});

	it("may have none", () => expect(expandMatrix(train, () => [])).toEqual({ cells: [] }));

	it("takes mappings apart", () => {
		const values = [
			{ name: "a", path: "/a" },
			{ path: "/b", name: "b" },
		];
		expect(expandMatrix(stepOf("named"), () => values)).toEqual({
			cells: [
				{ "shard.name": "a", "shard.path": "/a" },
				{ "shard.path": "/b", "shard.name": "b" },
			],
		});
	});

	it.each<[string, unknown, string]>([
		["train", undefined, "matrix.shard: prepare.shards is without a value, expected a JSON list"],
		["train", null, "matrix.shard: prepare.shards is null, expected a JSON list"],
		["train", "a b", "matrix.shard: prepare.shards is text, expected a JSON list"],
		["train", { a: 1 }, "matrix.shard: prepare.shards is a mapping, expected a JSON list"],
		["train", 5, "matrix.shard: prepare.shards is a number, expected a JSON list"],
		[
			"train",
			["a", null],
			"matrix.shard: prepare.shards[1] is null, expected text, a number, true, false or a mapping of such",
		],
		[
			"train",
			[["a"]],
			"matrix.shard: prepare.shards[0] is a list, expected text, a number, true, false or a mapping of such",
		],
		["train", [{}], "matrix.shard: prepare.shards[0] is an empty mapping"],
		[
			"train",
			[{ a: { b: 1 } }],
			"matrix.shard: prepare.shards[0] is a mapping whose `a` is a mapping, expected text, a number, true or false",
		],
		[
			"train",
			[{ "a b": 1 }],
			"matrix.shard: prepare.shards[0] is a mapping with a key that is no name: letters, digits, `-` and `_`, at most 63",
		],
		[
			"train",
			JSON.parse('[{"__proto__": 1}]'),
			"matrix.shard: prepare.shards[0] is a mapping with a key that is no name: letters, digits, `-` and `_`, at most 63",
		],
		[
			"train",
			[{ a: 1 }, { b: 1 }],
			"matrix.shard: prepare.shards[1] has other keys than prepare.shards[0]: each must have the same",
		],
		[
			"train",
			[1, { b: 1 }],
			"matrix.shard: prepare.shards[1] has other keys than prepare.shards[0]: each must have the same",
		],
		["train", ["a\0"], "matrix.shard: prepare.shards[0] is text with a NUL character, which no program can be given"],
		["train", Array(10_001).fill(1), "matrix.shard: prepare.shards has 10001 values, at most 10000 are allowed"],
		["train", Array(5_001).fill(1), "the matrix has 10002 cells, at most 10000 are allowed"],
		["named", ["a"], "`matrix.shard.name` is asked for, but the cells have no `shard.name`"],
		["named", [{ name: "a" }], "`matrix.shard.path` is asked for, but the cells have no `shard.path`"],
		["asked", [{ name: "a" }], "`matrix.shard.size` is asked for, but the cells have no `shard.size`"],
		["grouped", ["a"], "`matrix.shard.gpu` is asked for, but the cells have no `shard.gpu`"],
	])("%s with %j: %s", (name, value, problem) => {
		expect(expandMatrix(stepOf(name), () => value)).toEqual({ problem });
	});

	it("is answered whatever the output says", () => {
		fc.assert(
			fc.property(fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue(), { maxLength: 4 })), (value) => {
				const expanded = expandMatrix(train, () => value);
				if ("problem" in expanded) expect(expanded.problem).toContain("prepare.shards");
				else expect(expanded.cells).toHaveLength((value as unknown[]).length * 2);
			}),
		);
	});
});

describe("canonicalJson", () => {
	it("gives equal values equal text", () => {
		expect(canonicalJson({ b: 1, a: { d: [{ z: 1, y: 2 }], c: null } })).toBe(
			'{"a":{"c":null,"d":[{"y":2,"z":1}]},"b":1}',
		);
	});

	it("loses nothing", () => {
		fc.assert(
			fc.property(fc.jsonValue(), (value) => {
				expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
			}),
		);
	});
});
