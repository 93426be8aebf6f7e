/** What attempts take of their devices, added up from look to look. */

import type { AttemptId } from "#shared/ids.ts";
import { usedBy } from "./budget.ts";
import type { GpuAttempt, OwnedProcess } from "./others.ts";
import type { Reading } from "./reading.ts";

export interface GpuUsage {
	/** Time that its devices were busy. */
	gpuSeconds: number;
	peakGpuMemoryBytes: number;
}

export interface LookTime {
	nowMs: number;
	/** Of the look before. */
	lastMs: number;
}

export interface GpuUsages {
	/** The time since the last look counts as the look found it. */
	observe(attempts: readonly GpuAttempt[], reading: Reading, processes: readonly OwnedProcess[], time: LookTime): void;
	usageOf(attemptId: AttemptId): GpuUsage;
	/** Keeps none but these. */
	keep(isKnown: (attemptId: AttemptId) => boolean): void;
}

export const createUsages = (): GpuUsages => {
	const usages = new Map<AttemptId, GpuUsage>();
	const usageOf = (attemptId: AttemptId): GpuUsage => usages.get(attemptId) ?? { gpuSeconds: 0, peakGpuMemoryBytes: 0 };

	return {
		usageOf,
		keep: (isKnown) => {
			for (const attemptId of usages.keys()) if (!isKnown(attemptId)) usages.delete(attemptId);
		},
		observe: (attempts, reading, processes, { nowMs, lastMs }) => {
			const holders = (id: string): GpuAttempt[] => attempts.filter(({ gpuIds }) => gpuIds.includes(id));
			for (const { attemptId, gpuIds, startedAtMs } of attempts) {
				const before = usageOf(attemptId);
				const elapsedMs = Math.max(0, nowMs - Math.max(lastMs, startedAtMs));
				const used = usedBy(attemptId, processes);
				let { gpuSeconds } = before;
				let bytes = 0;
				for (const id of gpuIds) {
					const device = reading.devices.get(id);
					const sharing = holders(id).length;
					// Who shares a device shares its time: nothing tells whose it was.
					gpuSeconds += ((device?.busy ?? 0) * elapsedMs) / 1_000 / sharing;
					bytes += used.get(id) ?? (sharing === 1 ? unseenOn(id, reading, processes) : 0);
				}
				usages.set(attemptId, { gpuSeconds, peakGpuMemoryBytes: Math.max(before.peakGpuMemoryBytes, bytes) });
			}
		},
	};
};

/** Where processes' numbers mean nothing here, what is used and is nobody else's. */
const unseenOn = (id: string, reading: Reading, processes: readonly OwnedProcess[]): number => {
	const here = processes.filter(({ deviceId }) => deviceId === id);
	const others = here.filter(({ owner }) => owner.kind === "other");
	if (here.length === others.length) return 0;
	const used = reading.devices.get(id)?.usedBytes ?? 0;
	return Math.max(0, used - others.reduce((total, { bytes }) => total + (bytes ?? 0), 0));
};
