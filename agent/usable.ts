/**
 * What may be placed on this agent now: of its capacity, what others on the machine leave. Put together from parts that
 * each look at one thing, whenever one of them has something new.
 */

import { isDeepStrictEqual } from "node:util";
import type { Usable } from "#shared/domain.ts";
import type { Capacity } from "./core/capacity.ts";

/** A part that does not know (yet) leaves the capacity as it is. */
export interface UsableParts {
	/** What others on the machine take of its CPU and memory, and what there is of both. */
	others: { cpuMillis: number; memoryBytes: number; totalCpuMillis: number; totalMemoryBytes: number } | null;
	/** Of the disk, what attempts may claim, those that run among them. */
	diskBytes: number | null;
	/** GPUs that are not to be had in full. */
	devices: Usable["devices"];
}

export interface UsableWatch {
	/** As it was told last. */
	current(): Usable;
	set(part: Partial<UsableParts>): void;
	/** The capacity may be another now. */
	refresh(): void;
}

/** CPU is shared by all who want some: so much of it can always be had. */
const LEAST_CPU_MILLIS = 1_000;

export const usableOf = (capacity: Capacity, { others, diskBytes, devices }: UsableParts): Usable => {
	const leave = (whole: number, total: number, used: number): number => Math.max(0, Math.min(whole, total - used));
	const cpuLeft = others ? leave(capacity.cpuMillis, others.totalCpuMillis, others.cpuMillis) : capacity.cpuMillis;
	return {
		cpuMillis: Math.max(cpuLeft, Math.min(capacity.cpuMillis, LEAST_CPU_MILLIS)),
		memoryBytes: others
			? leave(capacity.memoryBytes, others.totalMemoryBytes, others.memoryBytes)
			: capacity.memoryBytes,
		diskBytes: Math.min(capacity.diskBytes, diskBytes ?? capacity.diskBytes),
		devices,
	};
};

/** `onChange` hears of each change, and whether it took so much that the mesh should know at once. */
export const watchUsable = (
	capacity: () => Capacity,
	onChange: (usable: Usable, isUrgent: boolean) => void,
): UsableWatch => {
	const parts: UsableParts = { others: null, diskBytes: null, devices: [] };
	let told = usableOf(capacity(), parts);
	const refresh = (): void => {
		const usable = usableOf(capacity(), parts);
		if (isDeepStrictEqual(usable, told)) return;
		const before = told;
		told = usable;
		onChange(usable, shrankMuch(before, usable));
	};
	return {
		current: () => told,
		set: (part) => {
			Object.assign(parts, part);
			refresh();
		},
		refresh,
	};
};

const MUCH = 0.1;

export const shrankMuch = (before: Usable, now: Usable): boolean => {
	const amounts = ["cpuMillis", "memoryBytes", "diskBytes"] as const;
	if (amounts.some((what) => before[what] - now[what] > before[what] * MUCH)) return true;
	const had = new Map(before.devices.map(({ id, memoryBytes }) => [id, memoryBytes]));
	return now.devices.some(({ id, memoryBytes }) => memoryBytes < (had.get(id) ?? Number.POSITIVE_INFINITY));
};
