import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "#shared/pipeline/canonical.ts";
import type { ParamValue, PipelineDefinition } from "#shared/pipeline/definition.ts";
import { expandSteps } from "#shared/pipeline/expand.ts";
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
