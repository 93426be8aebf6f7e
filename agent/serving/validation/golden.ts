/** Golden vectors: inputs, and the outputs a model must give for them (docs/serving.md has the format). */

import { isDatatype } from "#shared/inference/datatype.ts";
import { tensorFromJson } from "#shared/inference/json.ts";
import { decodeTensor, encodeTensor, type Tensor } from "#shared/inference/tensor.ts";
import type { WireTensor } from "../model.ts";

export interface Tolerance {
	absolute: number;
	relative: number;
}

export interface Golden {
	inputs: WireTensor[];
	outputs: Map<string, Tensor>;
	/** null takes the default of each output's datatype. */
	tolerance: Tolerance | null;
}

const DEFAULT_TOLERANCE: Tolerance = { absolute: 1e-4, relative: 1e-4 };
/** A half has 11 bits of mantissa: its own rounding is 5e-4. */
const HALF_TOLERANCE: Tolerance = { absolute: 5e-3, relative: 5e-3 };

const isRecord = (value: unknown): value is Record<string, unknown> =>
	value !== null && typeof value === "object" && !Array.isArray(value);

const readTensors = (section: "inputs" | "outputs", value: unknown): Map<string, Tensor> => {
	if (!isRecord(value)) throw new Error(`"${section}" is missing, expected {"<name>": {datatype, shape, data}}`);
	return new Map(
		Object.entries(value).map(([name, entry]) => {
			const where = `${section.slice(0, -1)} \`${name}\``;
			if (!isRecord(entry)) throw new Error(`${where}: expected {datatype, shape, data}`);
			if (!isDatatype(entry.datatype))
				throw new Error(`${where}: datatype ${JSON.stringify(entry.datatype)} is unknown`);
			if (!Array.isArray(entry.shape)) throw new Error(`${where}: shape is missing`);
			return [name, tensorFromJson(entry.datatype, entry.shape, entry.data, where)];
		}),
	);
};

const readTolerance = (value: unknown): Tolerance | null => {
	if (value === undefined) return null;
	const { absolute = DEFAULT_TOLERANCE.absolute, relative = DEFAULT_TOLERANCE.relative } = isRecord(value) ? value : {};
	const valid = (number: unknown): number is number => typeof number === "number" && number >= 0 && number < 1e6;
	if (!isRecord(value) || !valid(absolute) || !valid(relative)) {
		throw new Error('"tolerance" expects {"absolute": number ≥ 0, "relative": number ≥ 0}');
	}
	return { absolute, relative };
};

/** Throws what is wrong with the file. */
export const parseGolden = (text: string): Golden => {
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (error) {
		throw new Error(`the golden file is no JSON: ${(error as Error).message}`);
	}
	if (!isRecord(json)) throw new Error("the golden file is no JSON object");
	const outputs = readTensors("outputs", json.outputs);
	if (![...outputs.values()].some(({ data }) => data.length > 0)) {
		throw new Error("the golden file expects no output value, so it would prove nothing");
	}
	const inputs = [...readTensors("inputs", json.inputs)].map(([name, tensor]) => ({
		name,
		datatype: tensor.datatype,
		shape: tensor.shape,
		bytes: encodeTensor(tensor),
	}));
	return { inputs, outputs, tolerance: readTolerance(json.tolerance) };
};

/** The place of a flat index: "[3,7]". */
const position = (index: number, shape: number[]): string => {
	const place: number[] = [];
	for (const length of shape.toReversed()) {
		place.unshift(index % length);
		index = Math.floor(index / length);
	}
	return `[${place}]`;
};

/** Writes 0.31, not 0.30999998748302460. */
const short = (value: number): string => String(Number(value.toPrecision(4)));

interface Difference {
	value: number;
	index: number;
	/** Above 1 is out of tolerance. */
	ofAllowed: number;
	/** Of all, in or out of tolerance. */
	largest: number;
}

/** The difference that is furthest out. NaN and infinities must be met as they are. */
const worstOf = (
	actual: ArrayLike<number>,
	expected: ArrayLike<number>,
	{ absolute, relative }: Tolerance,
): Difference => {
	let worst = { value: 0, index: 0, ofAllowed: 0 };
	let largest = 0;
	for (let index = 0; index < expected.length; index++) {
		const [a, b] = [actual[index] as number, expected[index] as number];
		if (Object.is(a, b) || a === b) continue;
		const value = Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) : Number.POSITIVE_INFINITY;
		largest = Math.max(largest, value);
		const allowed = absolute + relative * Math.abs(b);
		const ofAllowed = value <= allowed ? value / (allowed || 1) : Math.max(value / allowed, 1 + Number.EPSILON);
		if (ofAllowed > worst.ofAllowed) worst = { value, index, ofAllowed };
	}
	return { ...worst, largest };
};

const compareOne = (name: string, actual: Tensor, expected: Tensor, given: Tolerance | null): number => {
	const where = `output \`${name}\``;
	const shape = expected.shape;
	if (actual.datatype !== expected.datatype) {
		throw new Error(`${where} is ${actual.datatype}, expected ${expected.datatype}`);
	}
	if (`${actual.shape}` !== `${shape}`) throw new Error(`${where} has shape [${actual.shape}], expected [${shape}]`);
	if (expected.datatype === "FP16" || expected.datatype === "FP32" || expected.datatype === "FP64") {
		const tolerance = given ?? (expected.datatype === "FP16" ? HALF_TOLERANCE : DEFAULT_TOLERANCE);
		const got = actual.data as Float64Array;
		const { value, index, ofAllowed, largest } = worstOf(got, expected.data, tolerance);
		if (ofAllowed > 1) {
			const by = Number.isFinite(value) ? `differs by ${short(value)}` : "differs";
			const [a, b] = [short(got[index] as number), short(expected.data[index] as number)];
			const { absolute, relative } = tolerance;
			throw new Error(
				`${where} ${by} at ${position(index, shape)} (${a}, expected ${b}), tolerance ${absolute} + ${relative} relative`,
			);
		}
		return largest;
	}
	for (let index = 0; index < expected.data.length; index++) {
		if (actual.data[index] !== expected.data[index]) {
			const [a, b] = [String(actual.data[index]), String(expected.data[index])];
			throw new Error(`${where} is ${a} at ${position(index, shape)}, expected ${b}`);
		}
	}
	return 0;
};

/** Throws at the first output that is not as expected; returns what was compared. */
export const compareOutputs = (golden: Golden, outputs: WireTensor[]): string => {
	let worst = 0;
	let values = 0;
	for (const [name, expected] of golden.outputs) {
		const found = outputs.find((output) => output.name === name);
		if (!found) throw new Error(`the model has no output \`${name}\``);
		const actual = decodeTensor(found.datatype, found.shape, found.bytes, `output \`${name}\``);
		worst = Math.max(worst, compareOne(name, actual, expected, golden.tolerance));
		values += expected.data.length;
	}
	const weak = [...golden.outputs.values()].every(({ data }) => new Set(data as Iterable<unknown>).size === 1);
	return `${values} values, largest difference ${short(worst)}${weak && values > 1 ? "; all alike, which proves little" : ""}`;
};
