import { expect, test } from "vitest";
import { toTensors } from "#cli/lib/tensor-input.ts";

const image = { name: "image", datatype: "FP32", shape: [-1, 2, 2] };

test("nested lists that fit are taken as they are", () => {
	const { image: tensor } = toTensors(
		{
			image: [
				[
					[1, 2],
					[3, 4],
				],
			],
		},
		[image],
	);
	expect(tensor).toEqual({ datatype: "FP32", shape: [1, 2, 2], data: Float32Array.of(1, 2, 3, 4) });
});

test("an open dimension is worked out from the number of elements", () => {
	expect(toTensors({ image: [1, 2, 3, 4, 5, 6, 7, 8] }, [image]).image?.shape).toEqual([2, 2, 2]);
	expect(
		toTensors(
			{
				image: [
					[1, 2],
					[3, 4],
				],
			},
			[image],
		).image?.shape,
	).toEqual([1, 2, 2]);
	expect(toTensors({ x: 7 }, [{ name: "x", datatype: "INT64", shape: [1] }]).x?.data).toEqual(BigInt64Array.of(7n));
});

test("what can't be of the model's shape is refused with both shapes", () => {
	expect(() => toTensors({ image: [1, 2, 3] }, [image])).toThrow("has shape [3], the model takes [-1,2,2]");
});

test("missing and unknown inputs are named", () => {
	expect(() => toTensors({}, [image])).toThrow(/`image` is missing/);
	expect(() => toTensors({ image: [1, 2, 3, 4], imgae: [1] }, [image])).toThrow(/no input `imgae`/);
	expect(() => toTensors({ image: ["a", "b", "c", "d"] }, [image])).toThrow(/input `image`/);
});
