/** Small ONNX models for tests, and what they must answer. */

import type { ElementType } from "#shared/onnx/element-type.ts";
import { type ModelSpec, type TensorSpec, writeModel } from "#shared/onnx/write.ts";
import { seededRandom } from "#shared/random.ts";

const floats = (name: string, dims: number[], data: Float32Array): TensorSpec => ({
	name,
	type: "float32",
	dims,
	data,
});

export interface Mlp {
	bytes: Uint8Array;
	/** The same in plain arithmetic, one row after the other. */
	predict(rows: Float32Array): Float32Array;
}

/** x [n, inputs] → relu(x W1 + b1) W2 + b2 → y [n, outputs]. */
export const mlpModel = (seed: number, inputs = 64, hidden = 32, outputs = 10): Mlp => {
	const random = seededRandom(seed);
	const weights = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.next() - 0.5);
	const [w1, b1, w2, b2] = [weights(inputs * hidden), weights(hidden), weights(hidden * outputs), weights(outputs)];
	const bytes = writeModel({
		producer: { name: "test", version: "1" },
		inputs: [{ name: "x", type: "float32", shape: ["batch", inputs] }],
		outputs: [{ name: "y", type: "float32", shape: ["batch", outputs] }],
		initializers: [
			floats("w1", [inputs, hidden], w1),
			floats("b1", [hidden], b1),
			floats("w2", [hidden, outputs], w2),
			floats("b2", [outputs], b2),
		],
		nodes: [
			{ operator: "MatMul", inputs: ["x", "w1"], outputs: ["xw"] },
			{ operator: "Add", inputs: ["xw", "b1"], outputs: ["h"] },
			{ operator: "Relu", inputs: ["h"], outputs: ["r"] },
			{ operator: "MatMul", inputs: ["r", "w2"], outputs: ["rw"] },
			{ operator: "Add", inputs: ["rw", "b2"], outputs: ["y"] },
		],
	});
	const layer = (row: Float32Array, w: Float32Array, b: Float32Array): Float32Array =>
		b.map((bias, column) => row.reduce((sum, value, index) => sum + value * (w[index * b.length + column] ?? 0), bias));
	const predict = (rows: Float32Array): Float32Array => {
		const answers: number[] = [];
		for (let at = 0; at < rows.length; at += inputs) {
			const relu = layer(rows.subarray(at, at + inputs), w1, b1).map((value) => Math.max(0, value));
			answers.push(...layer(relu, w2, b2));
		}
		return Float32Array.from(answers);
	};
	return { bytes, predict };
};

/** x → y of the same type and any shape [n]. */
export const identityModel = (type: ElementType, more: Partial<ModelSpec> = {}): Uint8Array =>
	writeModel({
		inputs: [{ name: "x", type, shape: ["n"] }],
		outputs: [{ name: "y", type, shape: ["n"] }],
		nodes: [{ operator: "Identity", inputs: ["x"], outputs: ["y"] }],
		...more,
	});

/** Adds a constant: tells versions apart. */
export const addModel = (constant: number): Uint8Array =>
	writeModel({
		inputs: [{ name: "x", type: "float32", shape: ["n"] }],
		outputs: [{ name: "y", type: "float32", shape: ["n"] }],
		initializers: [floats("c", [1], Float32Array.of(constant))],
		nodes: [{ operator: "Add", inputs: ["x", "c"], outputs: ["y"] }],
	});

const scalar = (name: string, type: ElementType, data: ArrayBufferView): TensorSpec => ({ name, type, dims: [], data });

/** Runs `rounds[0]` rounds of a loop that counts: a number beyond all patience makes it hang. */
export const loopModel = (): Uint8Array =>
	writeModel({
		inputs: [{ name: "rounds", type: "int64", shape: [1] }],
		outputs: [{ name: "count", type: "int64", shape: [1] }],
		initializers: [
			scalar("go", "bool", Uint8Array.of(1)),
			{ name: "zero", type: "int64", dims: [1], data: BigInt64Array.of(0n) },
			{ name: "one", type: "int64", dims: [1], data: BigInt64Array.of(1n) },
			{ name: "empty", type: "int64", dims: [0], data: new BigInt64Array(0) },
		],
		nodes: [
			{ operator: "Reshape", inputs: ["rounds", "empty"], outputs: ["trips"] },
			{
				operator: "Loop",
				inputs: ["trips", "go", "zero"],
				outputs: ["count"],
				attributes: {
					body: {
						graph: {
							name: "body",
							inputs: [
								{ name: "round", type: "int64", shape: [] },
								{ name: "going", type: "bool", shape: [] },
								{ name: "before", type: "int64", shape: [1] },
							],
							outputs: [
								{ name: "still", type: "bool", shape: [] },
								{ name: "after", type: "int64", shape: [1] },
							],
							nodes: [
								{ operator: "Identity", inputs: ["going"], outputs: ["still"] },
								{ operator: "Add", inputs: ["before", "one"], outputs: ["after"] },
							],
						},
					},
				},
			},
		],
	});

/** A few hundred bytes that fill `elements` floats as soon as they are loaded: constants are folded then. */
export const swellingModel = (elements: number): Uint8Array =>
	writeModel({
		inputs: [{ name: "x", type: "float32", shape: [1] }],
		outputs: [{ name: "y", type: "float32", shape: [1] }],
		initializers: [
			{ name: "shape", type: "int64", dims: [1], data: BigInt64Array.of(BigInt(elements)) },
			{ name: "axes", type: "int64", dims: [1], data: BigInt64Array.of(0n) },
		],
		nodes: [
			{
				operator: "ConstantOfShape",
				inputs: ["shape"],
				outputs: ["big"],
				attributes: { value: { tensor: { name: "", type: "float32", dims: [1], data: Float32Array.of(1) } } },
			},
			{ operator: "Add", inputs: ["big", "x"], outputs: ["sum"] },
			{
				operator: "ReduceMean",
				inputs: ["sum"],
				outputs: ["y"],
				attributes: { axes: { ints: [0] }, keepdims: { int: 1 } },
			},
		],
	});
