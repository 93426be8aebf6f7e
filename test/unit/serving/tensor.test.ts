import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Datatype, datatypes } from "#shared/inference/datatype.ts";
import { fromHalfBits, toHalfBits } from "#shared/inference/float16.ts";
import { tensorDataToJson, tensorFromJson } from "#shared/inference/json.ts";
import { decodeTensor, elementCount, encodeTensor, type Tensor, tensor } from "#shared/inference/tensor.ts";

const samples: Record<Datatype, (number | bigint | boolean | string)[]> = {
	BOOL: [true, false],
	INT8: [-128, 127],
	INT16: [-32768, 32767],
	INT32: [-(2 ** 31), 2 ** 31 - 1],
	INT64: [-(2n ** 63n), 2n ** 63n - 1n],
	UINT8: [0, 255],
	UINT16: [0, 65535],
	UINT32: [0, 2 ** 32 - 1],
	UINT64: [0n, 2n ** 64n - 1n],
	FP16: [0.5, -65504],
	FP32: [0.1, -3e38],
	FP64: [0.1, 1e300],
	BYTES: ["", "naïve ☃"],
};

describe("a tensor", () => {
	it.each(datatypes)("of %s comes back from its bytes", (datatype) => {
		const given = tensor(datatype, [2, 1], samples[datatype]) as Tensor;
		const shifted = new Uint8Array([0, ...encodeTensor(given)]).subarray(1);
		for (const bytes of [shifted, Buffer.from(shifted)]) {
			expect(decodeTensor(datatype, [2, 1], bytes, "x")).toEqual(given);
		}
	});

	it.each(datatypes.filter((type) => type !== "INT64" && type !== "UINT64"))(
		"of %s comes back from JSON",
		(datatype) => {
			const given = tensor(datatype, [2], samples[datatype]) as Tensor;
			expect(tensorFromJson(datatype, [2], JSON.parse(tensorDataToJson(given, "x")), "x")).toEqual(given);
		},
	);

	it("keeps all digits of 64-bit integers in JSON's text", () => {
		expect(tensorDataToJson(tensor("INT64", [1], [2n ** 63n - 1n]), "x")).toBe("[9223372036854775807]");
	});

	it("takes data nested as its shape", () => {
		const flat = tensorFromJson("INT32", [2, 3], [1, 2, 3, 4, 5, 6], "x");
		expect(
			tensorFromJson(
				"INT32",
				[2, 3],
				[
					[1, 2, 3],
					[4, 5, 6],
				],
				"x",
			),
		).toEqual(flat);
	});

	it.each<[string, Datatype, number[], unknown, RegExp]>([
		["too few", "FP32", [3], [1, 2], /x: 2 elements of data, expected 3 elements for shape \[3\]/],
		["ragged", "FP32", [2, 2], [[1, 2], [3]], /x: a list of 1 at depth 1 where 2 are wanted, expected 4/],
		["no list", "FP32", [1], 7, /x: data is 7, expected a list of 1/],
		["a text", "FP32", [1], ["1"], /x: element 0 is "1", expected a number/],
		["null", "FP32", [1], [null], /x: element 0 is null, expected a number/],
		["a fraction", "INT8", [1], [1.5], /x: element 0 is 1.5, expected a whole number from -128 to 127/],
		["out of range", "UINT8", [2], [0, 256], /x: element 1 is 256, expected a whole number from 0 to 255/],
		["beyond 2^53", "INT64", [1], [2 ** 60], /send larger ones as binary/],
		["a negative length", "FP32", [-1], [], /x: shape \[-1\] holds -1/],
		["a huge shape", "FP32", [2 ** 40, 2 ** 40], [], /more than 2147483648 elements/],
	])("is refused from JSON with %s", (_, datatype, shape, json, expected) => {
		expect(() => tensorFromJson(datatype, shape, json, "x")).toThrow(expected);
	});

	it("is refused from bytes that are not its own", () => {
		expect(() => decodeTensor("FP32", [2], new Uint8Array(7), "x")).toThrow("x: 7 bytes, expected 8 for FP32 [2]");
		const text = encodeTensor(tensor("BYTES", [1], ["abc"]));
		expect(() => decodeTensor("BYTES", [2], text, "x")).toThrow("x: the bytes end after 1 of 2 elements");
		expect(() => decodeTensor("BYTES", [1], text.subarray(0, 6), "x")).toThrow("element 0 wants 3 bytes, 2 are left");
		expect(() => decodeTensor("BYTES", [0], text, "x")).toThrow("7 bytes left over");
	});

	it("has no elements where a length is 0, however large the others", () => {
		expect(elementCount([2 ** 50, 2 ** 50, 0], "x")).toBe(0);
	});

	it("can't carry NaN in JSON, and says where it is", () => {
		expect(() => tensorDataToJson(tensor("FP32", [2], [0, Number.NaN]), "y")).toThrow(/y: element 1 is NaN/);
	});
});

describe("a half", () => {
	it("comes back from all its bits", () => {
		for (let bits = 0; bits < 2 ** 16; bits++) {
			const value = fromHalfBits(bits);
			if (Number.isNaN(value)) expect(fromHalfBits(toHalfBits(value))).toBeNaN();
			else if (toHalfBits(value) !== bits) expect.fail(`${bits} became ${toHalfBits(value)}`);
		}
	});

	it("is the nearest to any number", () => {
		fc.assert(
			fc.property(fc.double({ min: -70_000, max: 70_000, noNaN: true }), (value) => {
				const got = fromHalfBits(toHalfBits(value));
				const expected = new Float16Array([value])[0] as number;
				expect(Object.is(got, expected)).toBe(true);
			}),
		);
	});
});
