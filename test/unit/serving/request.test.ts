import { describe, expect, it } from "vitest";
import type { ModelSignature } from "#agent/serving/model.ts";
import { readRequest } from "#agent/serving/v2/request.ts";
import { writeResponse } from "#agent/serving/v2/response.ts";
import { splitMessage } from "#shared/inference/message.ts";
import { encodeTensor, tensor } from "#shared/inference/tensor.ts";

const signature: ModelSignature = {
	inputs: [
		{ name: "a", datatype: "FP32", shape: [-1, 2] },
		{ name: "s", datatype: "BYTES", shape: [1] },
	],
	outputs: [
		{ name: "y", datatype: "FP32", shape: [-1] },
		{ name: "z", datatype: "INT64", shape: [1] },
	],
};
const a = { name: "a", datatype: "FP32", shape: [1, 2], data: [1, 2] };
const s = { name: "s", datatype: "BYTES", shape: [1], data: ["hi"] };
const read = (json: Record<string, unknown>, binary: Uint8Array = new Uint8Array()) =>
	readRequest({ json, binary }, signature);

describe("an inference request", () => {
	it("is read from JSON", () => {
		const { id, inputs, outputs } = read({
			id: "7",
			inputs: [
				s,
				{
					...a,
					shape: [2, 2],
					data: [
						[1, 2],
						[3, 4],
					],
				},
			],
		});
		expect(id).toBe("7");
		expect(inputs.map(({ name, shape }) => [name, shape])).toEqual([
			["s", [1]],
			["a", [2, 2]],
		]);
		expect(inputs[1]?.bytes).toEqual(new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer));
		expect(outputs).toEqual([
			{ name: "y", binary: false },
			{ name: "z", binary: false },
		]);
	});

	it("is read from JSON and bytes, in the order of the inputs", () => {
		const [bytes, text] = [encodeTensor(tensor("FP32", [1, 2], [1, 2])), encodeTensor(tensor("BYTES", [1], ["hi"]))];
		const binaryOf = (size: number) => ({ data: undefined, parameters: { binary_data_size: size } });
		const { inputs, outputs } = read(
			{
				parameters: { binary_data_output: true },
				inputs: [
					{ ...s, ...binaryOf(text.length) },
					{ ...a, ...binaryOf(8) },
				],
				outputs: [{ name: "z", parameters: { binary_data: false } }, { name: "y" }],
			},
			Buffer.concat([text, bytes]),
		);
		expect(inputs.map((input) => [...input.bytes])).toEqual([[...text], [...bytes]]);
		expect(outputs).toEqual([
			{ name: "z", binary: false },
			{ name: "y", binary: true },
		]);
	});

	const text = (bytes: number[]) => ({
		json: { inputs: [a, { ...s, data: undefined, parameters: { binary_data_size: bytes.length + 4 } }] },
		binary: new Uint8Array([bytes.length, 0, 0, 0, ...bytes]),
	});
	it.each<[string, Record<string, unknown>, RegExp, Uint8Array?]>([
		["no inputs", {}, /inputs is nothing, expected a list with `a`, `s`/],
		["a missing input", { inputs: [a] }, /missing inputs: `s`/],
		["an unknown input", { inputs: [{ ...a, name: "b" }] }, /input `b` is unknown, expected `a`, `s`/],
		["an input twice", { inputs: [a, a] }, /input `a` is given twice/],
		["an input without a name", { inputs: [{}] }, /inputs\[0\] has no name/],
		["another datatype", { inputs: [{ ...a, datatype: "FP64" }] }, /input `a`: datatype is FP64, expected FP32/],
		["no datatype", { inputs: [{ ...a, datatype: 1 }] }, /input `a`: datatype is 1, expected FP32/],
		["another rank", { inputs: [{ ...a, shape: [2] }] }, /shape \[2\], expected \[-1,2\] \(-1 is any length\)/],
		["another length", { inputs: [{ ...a, shape: [1, 3] }] }, /shape \[1,3\], expected \[-1,2\]/],
		["no shape", { inputs: [{ ...a, shape: "x" }] }, /shape is "x", expected a list/],
		["a shape of texts", { inputs: [{ ...a, shape: ["1", 2] }] }, /shape \[1,2\] holds 1, expected whole numbers/],
		["no data", { inputs: [{ ...a, data: undefined }] }, /neither data nor/],
		["too little data", { inputs: [{ ...a, data: [1] }] }, /input `a`: 1 elements of data, expected 2/],
		[
			"a wrong size",
			{ inputs: [{ ...a, data: undefined, parameters: { binary_data_size: 4 } }] },
			/4 bytes, expected 8 for FP32 \[1,2\]/,
			new Uint8Array(4),
		],
		[
			"more than the body",
			{ inputs: [{ ...a, data: undefined, parameters: { binary_data_size: 8 } }] },
			/binary_data_size is 8, and 4 bytes are left/,
			new Uint8Array(4),
		],
		["bytes left over", { inputs: [a, s] }, /3 bytes are left in the body/, new Uint8Array(3)],
		[
			"an unknown output",
			{ inputs: [a, s], outputs: [{ name: "q" }] },
			/output `q` is unknown, expected some of `y`, `z`/,
		],
		["an output twice", { inputs: [a, s], outputs: [{ name: "y" }, { name: "y" }] }, /asked for twice/],
		["no outputs", { inputs: [a, s], outputs: [] }, /outputs is \[\]/],
		[
			"a classification",
			{ inputs: [a, s], outputs: [{ name: "y", parameters: { classification: 3 } }] },
			/classification is not offered/,
		],
		["a number for an id", { id: 7, inputs: [a, s] }, /id is 7, expected a text/],
		["a text with NUL", text([0x61, 0]).json, /element 0 holds a NUL/, text([0x61, 0]).binary],
		["a text that is not UTF-8", text([0xff]).json, /element 0 is not UTF-8/, text([0xff]).binary],
	])("is refused with %s", (_, json, expected, binary) => {
		expect(() => read(json, binary)).toThrow(expected);
	});
});

describe("an inference message", () => {
	it.each([
		["x", "3", /can't be read/],
		["{}", "9", /Inference-Header-Content-Length is 9, expected a number of bytes up to the body's 2/],
		["{}", "-1", /Inference-Header-Content-Length is -1/],
		["[]", undefined, /no JSON object/],
		[`{"a":"${"x".repeat(200)}"}`, undefined, /208 bytes of JSON, the limit is 100/],
	])("is refused from %s with a length of %s", (body, length, expected) => {
		expect(() => splitMessage(Buffer.from(body.length === 1 ? `${body}xx` : body), length, 100)).toThrow(expected);
	});
});

it("an answer puts binary outputs behind the JSON, in order", () => {
	const y = { name: "y", datatype: "FP32" as const, shape: [1], bytes: encodeTensor(tensor("FP32", [1], [0.5])) };
	const z = {
		name: "z",
		datatype: "INT64" as const,
		shape: [1],
		bytes: encodeTensor(tensor("INT64", [1], [2n ** 60n])),
	};
	const request = {
		id: "q",
		inputs: [],
		outputs: [
			{ name: "y", binary: true },
			{ name: "z", binary: false },
		],
	};
	const { body, jsonLength } = writeResponse({ model: "m", version: 3 }, request, [y, z]);
	expect(body.toString("utf8", 0, jsonLength as number)).toBe(
		'{"model_name":"m","model_version":"3","id":"q","outputs":[' +
			'{"name":"y","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}},' +
			'{"name":"z","datatype":"INT64","shape":[1],"data":[1152921504606846976]}]}',
	);
	expect(body.subarray(jsonLength as number)).toEqual(Buffer.from(y.bytes));
});
