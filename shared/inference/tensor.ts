/** A tensor in memory, and the bytes it has in the binary form of the V2 protocol (little-endian, row-major). */

import { RunmeshError } from "../errors.ts";
import { type Datatype, elementSize } from "./datatype.ts";
import { fromHalfBits, toHalfBits } from "./float16.ts";

/** BOOL is 0 and 1; FP16 is held as the singles of the same value; BYTES is text. */
export interface TensorData {
	BOOL: Uint8Array;
	INT8: Int8Array;
	INT16: Int16Array;
	INT32: Int32Array;
	INT64: BigInt64Array;
	UINT8: Uint8Array;
	UINT16: Uint16Array;
	UINT32: Uint32Array;
	UINT64: BigUint64Array;
	FP16: Float32Array;
	FP32: Float32Array;
	FP64: Float64Array;
	BYTES: string[];
}

export type TypedTensor<D extends Datatype> = { datatype: D; shape: number[]; data: TensorData[D] };
export type Tensor = { [D in Datatype]: TypedTensor<D> }[Datatype];

const arrays = {
	BOOL: Uint8Array,
	INT8: Int8Array,
	INT16: Int16Array,
	INT32: Int32Array,
	INT64: BigInt64Array,
	UINT8: Uint8Array,
	UINT16: Uint16Array,
	UINT32: Uint32Array,
	UINT64: BigUint64Array,
	FP16: Float32Array,
	FP32: Float32Array,
	FP64: Float64Array,
} as const;

const MAX_ELEMENTS = 2 ** 31;

/** Elements of a shape; throws for lengths that are none, and for more elements than any tensor may have. */
export const elementCount = (shape: readonly number[], where: string): number => {
	let count = 1;
	for (const length of shape) {
		if (!Number.isSafeInteger(length) || length < 0) {
			throw new RunmeshError("RM_BAD_INPUT", `${where}: shape [${shape}] holds ${length}, expected whole numbers ≥ 0`);
		}
		count *= length;
	}
	if (shape.includes(0)) return 0;
	if (count > MAX_ELEMENTS) {
		throw new RunmeshError("RM_BAD_INPUT", `${where}: shape [${shape}] has more than ${MAX_ELEMENTS} elements`);
	}
	return count;
};

/** An empty array for `count` elements; text for BYTES. */
export const allocate = <D extends Datatype>(datatype: D, count: number): TensorData[D] =>
	(datatype === "BYTES"
		? new Array<string>(count).fill("")
		: new arrays[datatype as keyof typeof arrays](count)) as TensorData[D];

const isReady = (datatype: Datatype, data: unknown): boolean =>
	datatype === "BYTES" ? Array.isArray(data) : data instanceof arrays[datatype as keyof typeof arrays];

/** A tensor from an array of its own kind, kept as it is, or from any list of numbers, bigints, booleans or texts. */
export const tensor = <D extends Datatype>(
	datatype: D,
	shape: number[],
	data: TensorData[D] | ArrayLike<number | bigint | boolean | string>,
): TypedTensor<D> => {
	const expected = elementCount(shape, datatype);
	if (data.length !== expected) {
		throw new RunmeshError(
			"RM_BAD_INPUT",
			`${datatype}: ${data.length} elements given, shape [${shape}] wants ${expected}`,
		);
	}
	if (isReady(datatype, data)) return { datatype, shape, data: data as TensorData[D] };
	const filled = allocate(datatype, expected);
	const convert =
		datatype === "BYTES"
			? String
			: datatype === "INT64" || datatype === "UINT64"
				? BigInt
				: (value: unknown) => Number(value);
	for (let index = 0; index < expected; index++) {
		(filled as unknown[])[index] = convert(data[index] as never);
	}
	return { datatype, shape, data: filled };
};

const encodeTexts = (texts: string[]): Uint8Array => {
	const parts: Buffer[] = [];
	for (const text of texts) {
		const bytes = Buffer.from(text);
		const length = Buffer.allocUnsafe(4);
		length.writeUInt32LE(bytes.length);
		parts.push(length, bytes);
	}
	return Buffer.concat(parts);
};

/** The tensor's bytes; a view on its data where that is the same thing. */
export const encodeTensor = (given: Tensor): Uint8Array => {
	if (given.datatype === "BYTES") return encodeTexts(given.data);
	const data = given.datatype === "FP16" ? Uint16Array.from(given.data, toHalfBits) : given.data;
	return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
};

/** The elements of a BYTES tensor; throws where lengths and bytes don't agree. */
export const splitBytesElements = (bytes: Uint8Array, count: number, where: string): Uint8Array[] => {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const elements: Uint8Array[] = [];
	let at = 0;
	while (elements.length < count) {
		if (at + 4 > bytes.length) {
			throw new RunmeshError("RM_BAD_INPUT", `${where}: the bytes end after ${elements.length} of ${count} elements`);
		}
		const length = view.getUint32(at, true);
		at += 4;
		if (at + length > bytes.length) {
			throw new RunmeshError(
				"RM_BAD_INPUT",
				`${where}: element ${elements.length} wants ${length} bytes, ${bytes.length - at} are left`,
			);
		}
		elements.push(bytes.subarray(at, at + length));
		at += length;
	}
	if (at !== bytes.length) {
		throw new RunmeshError("RM_BAD_INPUT", `${where}: ${bytes.length - at} bytes left over after ${count} elements`);
	}
	return elements;
};

/** Throws unless the bytes are exactly what datatype and shape want. */
export const checkByteCount = (datatype: Datatype, shape: readonly number[], bytes: number, where: string): void => {
	const size = elementSize(datatype);
	const count = elementCount(shape, where);
	if (size !== null && bytes !== count * size) {
		throw new RunmeshError(
			"RM_BAD_INPUT",
			`${where}: ${bytes} bytes, expected ${count * size} for ${datatype} [${shape}]`,
		);
	}
};

/** From its bytes: a view where their alignment allows it, else a copy. */
export const decodeTensor = (datatype: Datatype, shape: number[], bytes: Uint8Array, where: string): Tensor => {
	checkByteCount(datatype, shape, bytes.length, where);
	if (datatype === "BYTES") {
		const elements = splitBytesElements(bytes, elementCount(shape, where), where);
		return { datatype, shape, data: elements.map((element) => Buffer.from(element).toString("utf8")) };
	}
	const size = elementSize(datatype) as number;
	// A Buffer's own slice would be a view again.
	const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
	if (datatype === "FP16") {
		const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
		return { datatype, shape, data: Float32Array.from(halves, fromHalfBits) };
	}
	const data = new arrays[datatype](aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size);
	return { datatype, shape, data } as Tensor;
};
