/** ONNX's element types by their numbers in the format. */

const names = [
	"undefined",
	"float32",
	"uint8",
	"int8",
	"uint16",
	"int16",
	"int32",
	"int64",
	"string",
	"bool",
	"float16",
	"float64",
	"uint32",
	"uint64",
	"complex64",
	"complex128",
	"bfloat16",
	"float8e4m3fn",
	"float8e4m3fnuz",
	"float8e5m2",
	"float8e5m2fnuz",
	"uint4",
	"int4",
	"float4e2m1",
	"float8e8m0",
	"uint2",
	"int2",
] as const;

export type ElementType = (typeof names)[number];

/** "type 99" for a number this release does not know. */
export const elementTypeName = (number: number): string => names[number] ?? `type ${number}`;

export const elementTypeNumber = (name: ElementType): number => names.indexOf(name);
