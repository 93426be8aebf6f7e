import { describe, expect, it } from "vitest";
import { checkExternalData, checkOperators, checkOpset, checkValues } from "#agent/serving/validation/structure.ts";
import { type ModelHeader, readModelHeader } from "#shared/onnx/header.ts";
import { writeModel } from "#shared/onnx/write.ts";
import { identityModel, loopModel, mlpModel } from "#test/support/onnx-models.ts";

describe("an ONNX header", () => {
	it("says what was written", () => {
		expect(readModelHeader(mlpModel(1).bytes)).toEqual<ModelHeader>({
			irVersion: 8,
			producer: { name: "test", version: "1" },
			opsets: [{ domain: "", version: 15 }],
			inputs: [{ name: "x", kind: "tensor", elementType: "float32", shape: ["batch", 64] }],
			outputs: [{ name: "y", kind: "tensor", elementType: "float32", shape: ["batch", 10] }],
			operators: [
				{ domain: "", name: "Add", count: 2 },
				{ domain: "", name: "MatMul", count: 2 },
				{ domain: "", name: "Relu", count: 1 },
			],
			functions: [],
			externalData: [],
		});
	});

	it("finds operators inside subgraphs", () => {
		const names = readModelHeader(loopModel()).operators.map(({ name }) => name);
		expect(names).toEqual(["Add", "Identity", "Loop", "Reshape"]);
	});

	it("leaves out inputs that have an initializer", () => {
		const bytes = writeModel({
			inputs: [
				{ name: "x", type: "float32", shape: [1] },
				{ name: "c", type: "float32", shape: [1] },
			],
			outputs: [{ name: "y", type: "float32", shape: [1] }],
			initializers: [{ name: "c", type: "float32", dims: [1], data: Float32Array.of(1) }],
			nodes: [{ operator: "Add", inputs: ["x", "c"], outputs: ["y"] }],
		});
		expect(readModelHeader(bytes).inputs.map(({ name }) => name)).toEqual(["x"]);
	});

	it.each([
		["nothing", new Uint8Array()],
		["text", Buffer.from("hello, this is no model at all")],
		["half a model", mlpModel(1).bytes.subarray(0, 3_000)],
	])("is refused from %s", (_, bytes) => {
		expect(() => readModelHeader(bytes)).toThrow(/no ONNX model/);
	});

	it("survives nesting as deep as a file can make it", () => {
		let nested = Buffer.from([0x0a, 0]);
		const wrap = (field: number): void => {
			const length: number[] = [];
			for (let rest = nested.length; ; rest >>= 7) {
				length.push(rest > 127 ? (rest & 127) | 128 : rest);
				if (rest <= 127) break;
			}
			nested = Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), nested]);
		};
		// graph { node { attribute { g { … } } } }
		for (let depth = 0; depth < 5_000; depth++) for (const field of [6, 5, 1]) wrap(field);
		wrap(7);
		expect(() => readModelHeader(nested)).toThrow(/no ONNX model/);
	});
});

describe("a check of the structure", () => {
	const header = (more: Partial<ModelHeader>): ModelHeader => ({
		...readModelHeader(identityModel("float32")),
		...more,
	});

	it("wants operator sets, each once", () => {
		expect(checkOpset(header({}))).toBe("IR 8, ai.onnx 15");
		expect(() => checkOpset(header({ opsets: [] }))).toThrow(/no operator set/);
		expect(() => checkOpset(header({ opsets: [{ domain: "", version: 0 }] }))).toThrow(/ai\.onnx has version 0/);
	});

	it("knows custom operators from those a model defines itself", () => {
		const operators = [{ domain: "my.ops", name: "Magic", count: 1 }];
		expect(() => checkOperators(header({ operators }))).toThrow(/`Magic` of my\.ops is a custom operator/);
		expect(checkOperators(header({ operators, functions: operators }))).toBe("1 operators in 1 nodes");
	});

	it.each([
		["bfloat16", /input `x` is bfloat16, which this runtime can't take in or give out; export it as float32/],
		["float8e4m3fn", /input `x` is float8e4m3fn/],
		["complex64", /input `x` is complex64/],
		["int4", /input `x` is int4/],
	] as const)("refuses %s inputs", (type, expected) => {
		expect(() => checkValues("input", readModelHeader(identityModel(type)).inputs)).toThrow(expected);
	});

	it.each(["sequence", "map", "optional", "sparse tensor"] as const)("refuses a %s", (kind) => {
		const value = { name: "y", kind, elementType: "", shape: null };
		expect(() => checkValues("output", [value])).toThrow(
			`output \`y\` is no tensor but of kind ${kind}, and only tensors can be served`,
		);
	});

	it.each(["../secret", "/etc/passwd", "a/../../b", ""])("refuses external data in %j", (location) => {
		const externalData = [{ tensor: "w", location, offset: null, length: null }];
		expect(() => checkExternalData(header({ externalData }), "/model/m.onnx", "/model")).toThrow(
			/expected a path inside the model's folder/,
		);
	});
});
