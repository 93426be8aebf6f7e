/** Which attempt fills a disk that is nearly full: the one whose folder grows most, not the largest. */

import type { AttemptId } from "#shared/ids.ts";
import type { DiskAttempt } from "./attempt-sizes.ts";
import { measureFolders } from "./measure.ts";

export interface Growth {
	/** Below `criticalBytes`, the attempt that grew most since the first look; null when none is to blame. */
	look(
		attempts: readonly DiskAttempt[],
		left: { availableBytes: number; criticalBytes: number },
	): Promise<{ attemptId: AttemptId; bytes: number } | null>;
	/** There is room again. */
	forget(): void;
}

/** Logs and the like: it is not what fills the disk. */
const LITTLE_BYTES = 1024 ** 2;
/** Where attempts account for less of what the disk lost, others fill it. */
const OWN_PART = 1 / 4;
/** Where nothing grows, others fill the disk: there is no hurry to measure again. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export const createGrowth = (): Growth => {
	/** As each was first seen. */
	const before = new Map<AttemptId, number>();
	let availableBefore: number | null = null;
	let pauseMs = FIRST_PAUSE_MS;
	let againAtMs = 0;

	const forget = (): void => {
		before.clear();
		availableBefore = null;
		pauseMs = FIRST_PAUSE_MS;
		againAtMs = 0;
	};

	return {
		forget,
		look: async (attempts, { availableBytes, criticalBytes }) => {
			const isUrgent = availableBytes < criticalBytes;
			const isKnown = attempts.every(({ attemptId }) => before.has(attemptId));
			if (attempts.length === 0 || (isKnown && !isUrgent) || performance.now() < againAtMs) return null;
			availableBefore ??= availableBytes;
			const sizes = await measureFolders(attempts.map(({ folder }) => folder));
			let most = { attemptId: "" as AttemptId, bytes: LITTLE_BYTES };
			let total = 0;
			for (const { attemptId, folder } of attempts) {
				const now = sizes.get(folder) ?? 0;
				const first = before.get(attemptId) ?? now;
				before.set(attemptId, first);
				total += Math.max(0, now - first);
				if (now - first > most.bytes) most = { attemptId, bytes: now - first };
			}
			if (!isUrgent) return null;
			if (most.attemptId !== "" && total >= OWN_PART * (availableBefore - availableBytes)) {
				forget();
				// What it took must be gone before the next is judged.
				againAtMs = performance.now() + FIRST_PAUSE_MS;
				return most;
			}
			againAtMs = performance.now() + pauseMs;
			pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs);
			return null;
		},
	};
};
