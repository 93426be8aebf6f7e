/** Tensor data in JSON, as the V2 protocol, golden files and the CLI have it: a flat list, or lists nested as the shape. */

import { RunmeshError } from "../errors.ts";
import type { Datatype } from "./datatype.ts";
import { allocate, elementCount, type Tensor } from "./tensor.ts";

const integers: Partial<Record<Datatype, readonly [min: number, max: number]>> = {
	INT8: [-(2 ** 7), 2 ** 7 - 1],
	INT16: [-(2 ** 15), 2 ** 15 - 1],
	INT32: [-(2 ** 31), 2 ** 31 - 1],
	INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
	UINT8: [0, 2 ** 8 - 1],
	UINT16: [0, 2 ** 16 - 1],
	UINT32: [0, 2 ** 32 - 1],
	UINT64: [0, Number.MAX_SAFE_INTEGER],
};

const shown = (value: unknown): string => {
	const text = JSON.stringify(value) ?? String(value);
	return text.length > 40 ? `${text.slice(0, 40)}…` : text;
};

type Reader = (value: unknown) => number | bigint | string | undefined;

/** Reads one element; undefined where it is none of that datatype. */
const readerOf = (datatype: Datatype): { read: Reader; expected: string } => {
	const range = integers[datatype];
	if (range) {
		const [min, max] = range;
		const wide = datatype === "INT64" || datatype === "UINT64";
		const read: Reader = (value) => {
			if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) return undefined;
			return wide ? BigInt(value as number) : (value as number);
		};
		// Beyond 2^53 a JSON number has already lost its last digits.
		return { read, expected: `a whole number from ${min} to ${max}${wide ? " (send larger ones as binary)" : ""}` };
	}
	if (datatype === "BOOL") {
		return {
			read: (value) => (value === true || value === 1 ? 1 : value === false || value === 0 ? 0 : undefined),
			expected: "true or false",
		};
	}
	if (datatype === "BYTES") {
		return { read: (value) => (typeof value === "string" ? value : undefined), expected: "a text" };
	}
	return { read: (value) => (typeof value === "number" ? value : undefined), expected: "a number" };
};

/** `where` opens the message of what is wrong: "input `x`". */
export const tensorFromJson = (datatype: Datatype, shape: number[], json: unknown, where: string): Tensor => {
	const count = elementCount(shape, where);
	if (!Array.isArray(json)) {
		throw new RunmeshError("RM_BAD_INPUT", `${where}: data is ${shown(json)}, expected a list of ${count} elements`);
	}
	const wrongCount = (found: string): RunmeshError =>
		new RunmeshError("RM_BAD_INPUT", `${where}: ${found}, expected ${count} elements for shape [${shape}]`);
	// Before anything is allocated for a shape that the data does not bear out.
	const nested = shape.length > 1 && Array.isArray(json[0]);
	if (!nested && json.length !== count) throw wrongCount(`${json.length} elements of data`);

	const { read, expected } = readerOf(datatype);
	const flat: unknown[] = [];
	const fill = (list: unknown[], at: number): number => {
		for (const value of list) {
			const element = read(value);
			if (element === undefined) {
				throw new RunmeshError("RM_BAD_INPUT", `${where}: element ${at} is ${shown(value)}, expected ${expected}`);
			}
			data[at++] = element;
		}
		return at;
	};
	const flatten = (level: unknown, depth: number): void => {
		const length = shape[depth] as number;
		if (!Array.isArray(level) || level.length !== length) {
			const found = Array.isArray(level) ? `a list of ${level.length}` : shown(level);
			throw wrongCount(`${found} at depth ${depth} where ${length} are wanted`);
		}
		if (depth === shape.length - 1) for (const value of level) flat.push(value);
		else for (const inner of level) flatten(inner, depth + 1);
	};
	if (nested) flatten(json, 0);
	const data = allocate(datatype, count) as unknown[];
	fill(nested ? flat : json, 0);
	return { datatype, shape, data } as unknown as Tensor;
};

/** The tensor's data as the text of a flat JSON list; 64-bit integers keep all their digits. */
export const tensorDataToJson = (tensor: Tensor, where: string): string => {
	switch (tensor.datatype) {
		case "BYTES":
			return JSON.stringify(tensor.data);
		case "BOOL":
			return `[${Array.from(tensor.data, (value) => value !== 0).join(",")}]`;
		case "FP16":
		case "FP32":
		case "FP64": {
			const lost = tensor.data.findIndex((value) => !Number.isFinite(value));
			if (lost >= 0) {
				throw new RunmeshError(
					"RM_BAD_INPUT",
					`${where}: element ${lost} is ${tensor.data[lost]}, which JSON can't carry`,
					{ hint: "ask for binary outputs: parameters.binary_data_output = true" },
				);
			}
			return `[${tensor.data.join(",")}]`;
		}
		default:
			return `[${tensor.data.join(",")}]`;
	}
};
