/** Datatypes of the Open Inference Protocol (V2) and the bytes an element takes. */

const sizes = {
	BOOL: 1,
	INT8: 1,
	INT16: 2,
	INT32: 4,
	INT64: 8,
	UINT8: 1,
	UINT16: 2,
	UINT32: 4,
	UINT64: 8,
	FP16: 2,
	FP32: 4,
	FP64: 8,
	/** Each element is its length in 4 bytes, then that many bytes. */
	BYTES: null,
} as const satisfies Record<string, number | null>;

export type Datatype = keyof typeof sizes;

export const datatypes: readonly Datatype[] = Object.keys(sizes) as Datatype[];

export const isDatatype = (text: unknown): text is Datatype => typeof text === "string" && Object.hasOwn(sizes, text);

/** Bytes of one element; null for BYTES, whose elements differ. */
export const elementSize = (datatype: Datatype): number | null => sizes[datatype];
