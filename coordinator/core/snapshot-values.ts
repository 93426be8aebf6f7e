/**
 * Values of state as JSON: maps and sets are told apart from what they hold. Lists, which state changes in place, are
 * copied; what is in them, and records, are never changed, and stay what they are until the text is made of them.
 */

export type Packed = string | number | boolean | null | Packed[] | { [name: string]: Packed };

const MAP = "$map";
const SET = "$set";

/** undefined for a value that is what it was at first. */
export const pack = (value: unknown, atFirst: unknown): Packed | undefined => {
	if (value === atFirst || (isEmpty(value) && isEmpty(atFirst))) return undefined;
	return packed(value);
};

const isEmpty = (value: unknown): boolean => {
	if (Array.isArray(value)) return value.length === 0;
	return (value instanceof Map || value instanceof Set) && value.size === 0;
};

const packed = (value: unknown): Packed => {
	if (value instanceof Map) return { [MAP]: [...value].map(([key, held]): Packed => [key, packedRecord(held)]) };
	if (value instanceof Set) return { [SET]: [...value] };
	if (Array.isArray(value)) return value.slice() as Packed[];
	return value as Packed;
};

/** What a map holds may be changed in place, and hold maps itself. */
const packedRecord = (value: unknown): Packed => {
	if (value === null || typeof value !== "object" || Array.isArray(value)) return packed(value);
	return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, packed(held)]));
};

export const unpack = (value: Packed): unknown => {
	if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
	const { [MAP]: entries, [SET]: members } = value;
	if (Array.isArray(entries))
		return new Map((entries as [Packed, Packed][]).map(([key, held]) => [key, unpackRecord(held)]));
	return Array.isArray(members) ? new Set(members) : value;
};

const unpackRecord = (value: Packed): unknown => {
	if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
	return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, unpack(held)]));
};
