/**
 * The output of one of the mesh's processes, in home/logs: the process writes the file itself, `up` keeps it within
 * bounds and reads its end when there is something to report.
 */

import { closeSync, copyFileSync, fstatSync, mkdirSync, openSync, readSync, rmSync, truncateSync } from "node:fs";
import { dirname } from "node:path";
import { fileSize, LOG_FILE_BYTES } from "#shared/rotated-files.ts";

const CHECK_MS = 15_000;
const TAIL_BYTES = 8 * 1024;

export interface ProcessLog {
	readonly path: string;
	/** For a child's stdio; close it once the child has it. */
	open(): number;
	/** The last lines written since the last `open`; none where they can't be read. */
	tail(lines: number): string[];
	close(): void;
}

/** `path` and `path.1` hold at most the limit each, but for what is written between two checks. */
export const processLog = (path: string, limitBytes = LOG_FILE_BYTES): ProcessLog => {
	let openedAt = 0;

	/** The writer keeps its handle and appends, so the file is copied and emptied, not renamed. */
	const rotate = (): void => {
		if (fileSize(path) <= limitBytes) return;
		try {
			copyFileSync(path, `${path}.1`);
		} catch {
			// On a full disk the old lines are given up: emptying the file is what helps.
			rmSync(`${path}.1`, { force: true });
		}
		truncateSync(path, 0);
		openedAt = 0;
	};
	const check = (): void => {
		try {
			rotate();
		} catch {
			// The log must not end the mesh; the next check tries again.
		}
	};
	const timer = setInterval(check, CHECK_MS).unref();

	return {
		path,
		open: () => {
			mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
			const file = openSync(path, "a", 0o600);
			check();
			openedAt = fstatSync(file).size;
			return file;
		},
		tail: (lines) => {
			try {
				return lastLines(path, openedAt, lines);
			} catch {
				return [];
			}
		},
		close: () => clearInterval(timer),
	};
};

const lastLines = (path: string, from: number, lines: number): string[] => {
	const end = fileSize(path);
	const start = Math.max(from, end - TAIL_BYTES);
	if (end <= start) return [];
	const bytes = Buffer.alloc(end - start);
	const file = openSync(path, "r");
	try {
		readSync(file, bytes, 0, bytes.length, start);
	} finally {
		closeSync(file);
	}
	return bytes.toString("utf8").trimEnd().split("\n").slice(-lines);
};
