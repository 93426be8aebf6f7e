import { describe, expect, it } from "vitest";
import { compareOutputs, parseGolden } from "#agent/serving/validation/golden.ts";
import type { Datatype } from "#shared/inference/datatype.ts";
import { encodeTensor, type Tensor, tensor } from "#shared/inference/tensor.ts";

const golden = (datatype: Datatype, shape: number[], data: unknown[], tolerance?: object) =>
	parseGolden(JSON.stringify({ inputs: {}, outputs: { y: { datatype, shape, data } }, tolerance }));

const output = (datatype: Datatype, shape: number[], data: (number | string)[], name = "y") => ({
	name,
	datatype,
	shape,
	bytes: encodeTensor(tensor(datatype, shape, data) as Tensor),
});

describe("golden vectors", () => {
	it("hold within the tolerance", () => {
		expect(compareOutputs(golden("FP32", [2], [1, 100]), [output("FP32", [2], [1.0001, 100.005])])).toMatch(
			/^2 values, largest difference 0\.0049\d+$/,
		);
	});

	it.each<[string, ReturnType<typeof golden>, ReturnType<typeof output>, RegExp]>([
		[
			"a number differs",
			golden("FP32", [2, 2], [1, 2, 3, 4]),
			output("FP32", [2, 2], [1, 2, 3.5, 4]),
			/^output `y` differs by 0\.5 at \[1,0\] \(3\.5, expected 3\), tolerance 0\.0001 \+ 0\.0001 relative$/,
		],
		[
			"NaN comes out",
			golden("FP32", [1], [1]),
			output("FP32", [1], [Number.NaN]),
			/`y` differs at \[0\] \(NaN, expected 1\)/,
		],
		[
			"the tolerance is nothing",
			golden("FP64", [1], [1], { absolute: 0, relative: 0 }),
			output("FP64", [1], [1 + Number.EPSILON]),
			/differs by 2\.22e-16 at \[0\]/,
		],
		["an integer differs", golden("INT64", [2], [1, 2]), output("INT64", [2], [1, 3]), /`y` is 3 at \[1\], expected 2/],
		["a text differs", golden("BYTES", [1], ["a"]), output("BYTES", [1], ["b"]), /`y` is b at \[0\], expected a/],
		["the shape differs", golden("FP32", [1], [1]), output("FP32", [1, 1], [1]), /has shape \[1,1\], expected \[1\]/],
		["the datatype differs", golden("FP32", [1], [1]), output("FP64", [1], [1]), /is FP64, expected FP32/],
		["an output is missing", golden("FP32", [1], [1]), output("FP32", [1], [1], "z"), /no output `y`/],
	])("are missed where %s", (_, expected, actual, message) => {
		expect(() => compareOutputs(expected, [actual])).toThrow(message);
	});

	it("say so where they prove little", () => {
		expect(compareOutputs(golden("FP32", [3], [0, 0, 0]), [output("FP32", [3], [0, 0, 0])])).toMatch(
			/all alike, which proves little$/,
		);
	});

	it.each([
		["{", /no JSON/],
		["[]", /no JSON object/],
		["{}", /"outputs" is missing/],
		['{"inputs":{},"outputs":{}}', /expects no output value/],
		[
			'{"inputs":{},"outputs":{"y":{"datatype":"FP8","shape":[1],"data":[1]}}}',
			/output `y`: datatype "FP8" is unknown/,
		],
		[
			'{"inputs":{"x":{"datatype":"FP32","shape":[2],"data":[1]}},"outputs":{"y":{"datatype":"FP32","shape":[1],"data":[1]}}}',
			/input `x`: 1 elements of data, expected 2/,
		],
		['{"inputs":{},"outputs":{"y":{"datatype":"FP32","shape":[1],"data":[1]}},"tolerance":-1}', /"tolerance" expects/],
	])("are refused from %s", (text, expected) => {
		expect(() => parseGolden(text)).toThrow(expected);
	});
});
