/** `--since` and the like: a duration back from now, or a point in time. */

import { RunmeshError } from "#shared/errors.ts";
import { parseDuration } from "#shared/pipeline/units.ts";

export const parseSince = (text: string, nowMs: number, flag = "--since"): number => {
	const duration = parseDuration(text);
	if (duration !== null) return Math.max(0, nowMs - duration);
	const atMs = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
	if (Number.isNaN(atMs)) {
		throw new RunmeshError("RM_BAD_INPUT", `${flag} "${text}" is neither a duration nor a time`, {
			hint: "write 30s, 10m, 2h30m, or 2026-01-31T12:00:00Z",
		});
	}
	return atMs;
};
