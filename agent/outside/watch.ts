/** Looks from time to time at what others use of this machine. */

import type { Clock } from "#shared/clock.ts";
import type { AttemptId } from "#shared/ids.ts";
import { readMachine } from "./machine.ts";
import { type Others, type Seen, takeLook } from "./others.ts";
import { ownUseMeter } from "./own-use.ts";

export interface OutsideWatch {
	close(): void;
}

export interface OutsideOptions {
	/** Whether an attempt is one of this agent's. */
	isHere(attemptId: AttemptId): boolean;
	onLook(others: Others): void;
	clock: Clock;
	warn(message: string, error: unknown): void;
}

const LOOK_MS = 10_000;

/** Where the system does not tell, nothing is subtracted. */
export const watchOutside = ({ isHere, onLook, clock, warn }: OutsideOptions): OutsideWatch => {
	if (process.platform !== "linux") return { close: () => undefined };
	const ownUse = ownUseMeter(isHere);
	let seen: Seen | null = null;
	let looking = false;

	const look = async (): Promise<void> => {
		if (looking) return;
		looking = true;
		try {
			const machine = await readMachine();
			const own = await ownUse();
			const atMs = clock.nowMs();
			seen = takeLook(seen, { atMs, ...machine, ownCpuSeconds: own.cpuSeconds, ownMemoryBytes: own.memoryBytes });
			onLook(seen.others);
		} catch (error) {
			clearInterval(timer);
			warn("what others use of this machine can't be told: all of it is offered", error);
		} finally {
			looking = false;
		}
	};
	const timer = setInterval(() => void look(), LOOK_MS);
	timer.unref();
	void look();
	return { close: () => clearInterval(timer) };
};
