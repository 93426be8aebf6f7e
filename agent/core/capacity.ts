/**
 * The ledger of what accepted attempts hold: CPU, memory, disk, what goes by name, and GPUs as whole devices or as a
 * share of one's memory.
 */

import type { Gpu, Resources, Usable } from "#shared/domain.ts";
import { chooseGpus, type DeviceRoom, gpuShortage } from "#shared/gpu-choice.ts";
import type { AttemptId } from "#shared/ids.ts";
import { claimNamed, type Named, namedShortage, type Quantity, quantities, shortage } from "#shared/shortage.ts";

export interface Capacity extends Record<Quantity, number> {
	named: Named;
	gpus: Gpu[];
}

export interface Reservation extends Record<Quantity, number> {
	named: Named;
	gpuIds: string[];
	/** On each device; 0 holds whole devices. */
	gpuMemoryBytes: number;
}

export interface Ledger {
	capacity: Capacity;
	/** What others on the machine leave of it; null when nobody has looked. */
	usable: Usable | null;
	readonly held: Map<AttemptId, Reservation>;
}

export const createLedger = (capacity: Capacity): Ledger => ({ capacity, usable: null, held: new Map() });

/** Devices for the attempt, or why it does not fit. */
export const reserve = (
	ledger: Ledger,
	attemptId: AttemptId,
	wanted: Resources,
): { gpuIds: string[] } | { refused: string } => {
	const refused = refusal(ledger, wanted);
	if (refused !== null) return { refused };
	const chosen = chooseDevices(ledger, wanted);
	if ("gpuIds" in chosen) hold(ledger, attemptId, wanted, chosen.gpuIds);
	return chosen;
};

/** Without asking: an attempt found running holds what it holds. */
export const hold = (ledger: Ledger, attemptId: AttemptId, wanted: Resources, gpuIds: string[]): void => {
	const { cpuMillis, memoryBytes, diskBytes, named } = wanted;
	ledger.held.set(attemptId, {
		...{ cpuMillis, memoryBytes, diskBytes, named },
		gpuIds,
		gpuMemoryBytes: wanted.gpu?.memoryBytes ?? 0,
	});
};

export const release = (ledger: Ledger, attemptId: AttemptId): void => {
	ledger.held.delete(attemptId);
};

/** GPUs apart. */
const refusal = ({ capacity, usable, held }: Ledger, wanted: Resources): string | null => {
	for (const what of quantities) {
		const whole = capacity[what];
		const stock = { capacity: whole, usable: Math.min(whole, usable?.[what] ?? whole), claimed: sum(held, what) };
		const reason = shortage(what, wanted[what], stock);
		if (reason !== null) return reason;
	}
	const claimed = new Map<string, number>();
	for (const { named } of held.values()) claimNamed(claimed, named, 1);
	return namedShortage(wanted.named, capacity.named, claimed);
};

const sum = (held: Ledger["held"], what: Quantity): number => {
	let total = 0;
	for (const reservation of held.values()) total += reservation[what];
	return total;
};

const chooseDevices = (ledger: Ledger, { gpu }: Resources): { gpuIds: string[] } | { refused: string } => {
	if (!gpu) return { gpuIds: [] };
	const rooms = ledger.capacity.gpus.map((device) => roomOn(ledger, device));
	const chosen = chooseGpus(rooms, gpu);
	return chosen ? { gpuIds: chosen.map(({ id }) => id) } : { refused: gpuShortage(rooms, gpu) };
};

const roomOn = ({ usable, held }: Ledger, { id, model, parent, memoryBytes, fault }: Gpu): DeviceRoom => {
	const left = usable?.devices.find((device) => device.id === id);
	let freeBytes = fault === "" ? Math.min(memoryBytes, left?.memoryBytes ?? memoryBytes) : 0;
	let claims = 0;
	for (const { gpuIds, gpuMemoryBytes } of held.values()) {
		if (!gpuIds.includes(id)) continue;
		claims++;
		freeBytes -= gpuMemoryBytes === 0 ? memoryBytes : gpuMemoryBytes;
	}
	return { id, model, parent, reason: fault || (left?.reason ?? ""), freeBytes: Math.max(0, freeBytes), claims };
};
