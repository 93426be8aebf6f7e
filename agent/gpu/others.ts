/** What others leave of the devices: a reading, less what attempts of this agent use. */

import type { Gpu } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import { formatBytes } from "#shared/pipeline/units.ts";
import type { Owner } from "./owners.ts";
import type { ProcessReading, Reading } from "./reading.ts";

/** An attempt that runs. */
export interface GpuAttempt {
	attemptId: AttemptId;
	gpuIds: readonly string[];
	/** On each device; 0 for whole ones. */
	shareBytes: number;
	startedAtMs: number;
}

export interface OwnedProcess extends ProcessReading {
	owner: Owner;
}

/** What a desktop takes: so much may be used by what is no computing process, and the device is whole all the same. */
const DESKTOP_BYTES = 1024 ** 3;
const DESKTOP_PART = 1 / 8;
/** The driver's own, and nobody's worth a word. */
const NOTHING_BYTES = 64 * 1024 ** 2;
const STEP_BYTES = 256 * 1024 ** 2;
const TOLD = 2;

export interface Left {
	id: string;
	memoryBytes: number;
	/** "" where it is whole but for a little. */
	reason: string;
	/** Somebody was seen there, not just memory in use: that of one who has just ended takes a moment to go. */
	isSeen: boolean;
}

/** Devices that are not to be had in full. */
export const leftByOthers = (
	gpus: readonly Gpu[],
	reading: Reading,
	processes: readonly OwnedProcess[],
	attempts: readonly GpuAttempt[],
): Left[] =>
	gpus.flatMap((gpu) => {
		const { id, memoryBytes } = gpu;
		const here = processes.filter(({ deviceId }) => deviceId === id);
		const foreign = here.filter(({ owner }) => owner.kind === "other");
		const own = sum(here.filter(({ owner }) => owner.kind === "attempt"));
		const used = reading.devices.get(id)?.usedBytes ?? sum(here);
		// What can't be told apart on a device is taken for its attempts', up to what they were given.
		const granted = attempts
			.filter(({ gpuIds }) => gpuIds.includes(id))
			.reduce((total, { shareBytes }) => total + (shareBytes || memoryBytes), 0);
		const untold = Math.max(0, used - sum(foreign) - Math.max(own, Math.min(granted, used - sum(foreign))));
		const bytes = sum(foreign) + untold;
		if (foreign.length > 0) {
			const reason = foreign.slice(0, TOLD).map(tell).join("; ") + more(foreign);
			return [{ id, memoryBytes: leave(memoryBytes, bytes), reason, isSeen: true }];
		}
		if (untold <= NOTHING_BYTES) return [];
		const isDesktop = untold <= Math.min(DESKTOP_BYTES, memoryBytes * DESKTOP_PART);
		const reason = isDesktop ? "" : `${formatBytes(untold)} used by what can't be seen`;
		// In large steps: it changes all the time.
		const left = leave(memoryBytes, Math.ceil(untold / STEP_BYTES) * STEP_BYTES);
		return [{ id, memoryBytes: left, reason, isSeen: isDesktop }];
	});

const sum = (processes: readonly ProcessReading[]): number =>
	processes.reduce((total, { bytes }) => total + (bytes ?? 0), 0);

const leave = (memoryBytes: number, usedBytes: number): number => Math.max(0, memoryBytes - usedBytes);

const tell = ({ pid, owner, bytes }: OwnedProcess): string => {
	const who = owner.kind === "other" ? ` (${owner.who})` : "";
	return `pid ${pid}${who} uses ${bytes === null ? "it" : formatBytes(bytes)}`;
};

const more = ({ length }: readonly unknown[]): string => (length > TOLD ? `; and ${length - TOLD} more` : "");
