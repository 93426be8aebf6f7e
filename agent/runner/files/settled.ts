/**
 * Ids of attempts that are over and gone from the disk, so that a task that comes once more, even after a restart,
 * is not run again. Two files of bounded length: the older one is dropped when the newer is full.
 */

import { appendFileSync, readFileSync, renameSync } from "node:fs";
import { type AttemptId, isAttemptId } from "#shared/ids.ts";

export interface SettledLog {
	add(attemptId: AttemptId): void;
	/** Oldest first. */
	readonly atStart: AttemptId[];
}

const FILE_LIMIT = 5_000;

export const openSettledLog = (folder: string): SettledLog => {
	const newer = `${folder}/settled.log`;
	const older = `${folder}/settled.1.log`;
	const read = (path: string): AttemptId[] => readLines(path).filter(isAttemptId);
	const current = read(newer);
	let count = current.length;
	return {
		atStart: [...read(older), ...current],
		add: (attemptId) => {
			if (count >= FILE_LIMIT) {
				renameSync(newer, older);
				count = 0;
			}
			appendFileSync(newer, `${attemptId}\n`);
			count++;
		},
	};
};

const readLines = (path: string): string[] => {
	try {
		return readFileSync(path, "utf8").split("\n");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
		throw error;
	}
};
