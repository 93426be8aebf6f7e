/** The one rule of what counts as a metric among the lines of $RUNMESH_METRICS. */

import type { Metric } from "./domain.ts";

export const METRIC_LINE_BYTES = 64 * 1024;
const NAME_LENGTH = 200;

/** null for a line that is none. A step is rounded down to a whole number, at least 0, and is 0 where left out. */
export const parseMetricLine = (text: string): Metric | null => {
	if (text.length > METRIC_LINE_BYTES || Buffer.byteLength(text) > METRIC_LINE_BYTES) return null;
	let parsed: unknown;
	try {
		parsed = JSON.parse(text);
	} catch {
		return null;
	}
	if (typeof parsed !== "object" || parsed === null) return null;
	const { name, value, step = 0 } = parsed as { name?: unknown; value?: unknown; step?: unknown };
	if (typeof name !== "string" || name === "" || name.length > NAME_LENGTH) return null;
	if (typeof value !== "number" || !Number.isFinite(value)) return null;
	if (typeof step !== "number" || !(Math.abs(step) <= Number.MAX_SAFE_INTEGER)) return null;
	return { name, value, step: Math.max(0, Math.floor(step)) };
};
