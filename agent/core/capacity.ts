/** The ledger of what accepted attempts hold: CPU, memory, and GPUs as whole devices or as a share of one's memory. */

import type { Gpu, Resources } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import { formatBytes } from "#shared/pipeline/units.ts";

export interface Capacity {
	cpuMillis: number;
	memoryBytes: number;
	gpus: Gpu[];
}

export interface Reservation {
	cpuMillis: number;
	memoryBytes: number;
	gpuIds: string[];
	/** On each device; 0 holds whole devices. */
	gpuMemoryBytes: number;
}

export interface Ledger {
	capacity: Capacity;
	readonly held: Map<AttemptId, Reservation>;
}

export const createLedger = (capacity: Capacity): Ledger => ({ capacity, held: new Map() });

/** Devices for the attempt, or why it does not fit. */
export const reserve = (
	ledger: Ledger,
	attemptId: AttemptId,
	wanted: Resources,
): { gpuIds: string[] } | { refused: string } => {
	const { capacity, held } = ledger;
	const cpuFree = capacity.cpuMillis - sum(held, "cpuMillis");
	if (wanted.cpuMillis > cpuFree) {
		return { refused: `cpu: ${wanted.cpuMillis}m wanted, ${cpuFree}m of ${capacity.cpuMillis}m free` };
	}
	const memoryFree = capacity.memoryBytes - sum(held, "memoryBytes");
	if (wanted.memoryBytes > memoryFree) {
		return {
			refused: `memory: ${formatBytes(wanted.memoryBytes)} wanted, ${formatBytes(memoryFree)} of ${formatBytes(capacity.memoryBytes)} free`,
		};
	}
	const gpuIds = chooseGpus(ledger, wanted);
	if (!Array.isArray(gpuIds)) return gpuIds;
	hold(ledger, attemptId, wanted, gpuIds);
	return { gpuIds };
};

/** Without asking: an attempt found running holds what it holds. */
export const hold = (ledger: Ledger, attemptId: AttemptId, wanted: Resources, gpuIds: string[]): void => {
	ledger.held.set(attemptId, {
		cpuMillis: wanted.cpuMillis,
		memoryBytes: wanted.memoryBytes,
		gpuIds,
		gpuMemoryBytes: wanted.gpu?.memoryBytes ?? 0,
	});
};

export const release = (ledger: Ledger, attemptId: AttemptId): void => {
	ledger.held.delete(attemptId);
};

const sum = (held: Ledger["held"], what: "cpuMillis" | "memoryBytes"): number => {
	let total = 0;
	for (const reservation of held.values()) total += reservation[what];
	return total;
};

/** The fullest devices that still fit, so that whole ones stay free for those who need them whole. */
const chooseGpus = (ledger: Ledger, { gpu }: Resources): string[] | { refused: string } => {
	if (!gpu || gpu.count === 0) return [];
	const wanted = gpu.model.toLowerCase();
	const suited = ledger.capacity.gpus.filter(({ model }) => model.toLowerCase().includes(wanted));
	const name = gpu.model || "GPU";
	if (suited.length < gpu.count) {
		return { refused: `gpu: ${gpu.count} × ${name} wanted, ${suited.length} here` };
	}
	const fitting = suited
		.map((device) => ({ id: device.id, ...freeOn(ledger, device) }))
		.filter(({ free, untouched }) => (gpu.memoryBytes === 0 ? untouched : free >= gpu.memoryBytes))
		.sort((a, b) => a.free - b.free);
	if (fitting.length < gpu.count) {
		const size = gpu.memoryBytes === 0 ? "whole" : `with ${formatBytes(gpu.memoryBytes)} free`;
		return { refused: `gpu: ${gpu.count} × ${name} ${size} wanted, ${fitting.length} of ${suited.length} free` };
	}
	return fitting.slice(0, gpu.count).map(({ id }) => id);
};

const freeOn = (ledger: Ledger, device: Gpu): { free: number; untouched: boolean } => {
	let free = device.memoryBytes;
	let untouched = true;
	for (const { gpuIds, gpuMemoryBytes } of ledger.held.values()) {
		if (!gpuIds.includes(device.id)) continue;
		untouched = false;
		free = gpuMemoryBytes === 0 ? 0 : free - gpuMemoryBytes;
		if (free <= 0) return { free: 0, untouched };
	}
	return { free, untouched };
};
