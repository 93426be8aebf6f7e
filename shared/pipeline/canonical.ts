/** JSON with sorted keys: equal values make equal bytes, whoever wrote them. */

/** A matrix keeps its order: its last axis turns fastest, so the order of the axes numbers the cells. */
const ORDERED = "matrix";

export const canonicalJson = (value: unknown): string =>
	JSON.stringify(value, (key, nested: unknown) =>
		nested === null || typeof nested !== "object" || Array.isArray(nested) || key === ORDERED
			? nested
			: Object.fromEntries(Object.entries(nested).sort(([a], [b]) => (a < b ? -1 : 1))),
	);
