/**
 * The agent's own log in a file, where nobody else keeps it: rotated, and written line by line, so that a full disk or a
 * folder that was removed takes lines, not the agent.
 */

import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileSize, LOG_FILE_BYTES, shiftFiles } from "#shared/rotated-files.ts";

const KEPT = 5;

/** What pino writes its lines to. */
export const openLogFile = (path: string, limitBytes = LOG_FILE_BYTES): { write(line: string): void } => {
	const append = (line: string): void => {
		if (fileSize(path) >= limitBytes) shiftFiles(path, KEPT);
		appendFileSync(path, line, { mode: 0o600 });
	};
	return {
		write: (line) => {
			try {
				append(line);
			} catch {
				try {
					mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
					append(line);
				} catch {
					// The next line tries again.
				}
			}
		},
	};
};
