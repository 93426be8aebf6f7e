/** Which environment an attempt uses, for the next agent; and how much of its stderr told of the making. */

import { sizeOf } from "../logs/spool.ts";
import { readJson, replaceFile } from "../runner/files/file.ts";
import type { AttemptPaths } from "../runner/files/paths.ts";

interface UseRecord {
	key: string;
	/** What the step itself says comes behind. */
	setupBytes: number;
}

export const writeRecord = (paths: AttemptPaths, key: string): void => {
	const record: UseRecord = { key, setupBytes: sizeOf(paths.stderr) };
	replaceFile(paths.environment, JSON.stringify(record));
};

/** null when it uses none. */
export const readRecord = (paths: AttemptPaths): UseRecord | null => readJson(paths.environment);
