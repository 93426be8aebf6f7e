/** Which environment an attempt uses, for the next agent; and how much of its stderr told of the making. */

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { sizeOf } from "../logs/spool.ts";
import type { AttemptPaths } from "../runner/paths.ts";

interface UseRecord {
	key: string;
	/** What the step itself says comes behind. */
	setupBytes: number;
}

export const writeRecord = (paths: AttemptPaths, key: string): void => {
	const record: UseRecord = { key, setupBytes: sizeOf(paths.stderr) };
	writeFileSync(`${paths.environment}.new`, JSON.stringify(record), { mode: 0o600 });
	renameSync(`${paths.environment}.new`, paths.environment);
};

/** null when it uses none. */
export const readRecord = (paths: AttemptPaths): UseRecord | null => {
	try {
		return JSON.parse(readFileSync(paths.environment, "utf8")) as UseRecord;
	} catch {
		return null;
	}
};
