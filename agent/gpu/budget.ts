/** Attempts that use more of a device than they were given. Twice in a row: a peak that is over at once harms nobody. */

import type { AttemptId } from "#shared/ids.ts";
import { formatBytes } from "#shared/pipeline/units.ts";
import type { GpuAttempt, OwnedProcess } from "./others.ts";

export interface Excess {
	attemptId: AttemptId;
	deviceId: string;
	/** Too much memory, or a device that is not its own. */
	cause: "oom" | "error";
	reason: string;
}

/** Contexts and caches are not what anybody counts when asking for a share. */
const TOLERANCE = 1.1;
const LOOKS = 2;

export const createBudgets = (): {
	observe(attempts: readonly GpuAttempt[], processes: readonly OwnedProcess[]): Excess[];
} => {
	let seen = new Map<string, number>();
	return {
		observe: (attempts, processes) => {
			const before = seen;
			seen = new Map();
			return excesses(attempts, processes).filter(({ attemptId, deviceId }) => {
				const key = `${attemptId} ${deviceId}`;
				const looks = (before.get(key) ?? 0) + 1;
				seen.set(key, looks);
				return looks === LOOKS;
			});
		},
	};
};

const excesses = (attempts: readonly GpuAttempt[], processes: readonly OwnedProcess[]): Excess[] =>
	attempts.flatMap(({ attemptId, gpuIds, shareBytes }) =>
		[...usedBy(attemptId, processes)].flatMap(([deviceId, bytes]): Excess[] => {
			if (!gpuIds.includes(deviceId)) {
				const reason = `used ${formatBytes(bytes)} on ${deviceId}, which it was not given`;
				return [{ attemptId, deviceId, cause: "error", reason }];
			}
			if (shareBytes === 0 || bytes <= shareBytes * TOLERANCE) return [];
			const reason = `used ${formatBytes(bytes)} of GPU memory on ${deviceId}, ${formatBytes(shareBytes)} asked`;
			return [{ attemptId, deviceId, cause: "oom", reason }];
		}),
	);

/** By device. */
export const usedBy = (attemptId: AttemptId, processes: readonly OwnedProcess[]): Map<string, number> => {
	const used = new Map<string, number>();
	for (const { owner, deviceId, bytes } of processes) {
		if (owner.kind !== "attempt" || owner.attemptId !== attemptId) continue;
		used.set(deviceId, (used.get(deviceId) ?? 0) + (bytes ?? 0));
	}
	return used;
};
