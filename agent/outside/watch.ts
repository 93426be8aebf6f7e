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
	/** The memory that it has claimed. */
	claimed(attemptId: AttemptId): number;
	/** null when it can't be told. */
	onLook(others: Others | null): void;
	clock: Clock;
	warn(message: string, error: unknown): void;
}

const LOOK_MS = 10_000;

/** While the system does not tell, nothing is subtracted. */
export const watchOutside = ({ isHere, claimed, onLook, clock, warn }: OutsideOptions): OutsideWatch => {
	if (process.platform !== "linux") return { close: () => undefined };
	const ownUse = ownUseMeter(isHere, claimed);
	let seen: Seen | null = null;
	let looking = false;
	let told = false;

	const look = async (): Promise<void> => {
		if (looking) return;
		looking = true;
		try {
			const machine = await readMachine();
			const own = await ownUse();
			const atMs = clock.nowMs();
			// What an attempt takes beyond its claim is as little to be had as what others take.
			const ownMemoryBytes = own.memoryBytes - own.excessBytes;
			seen = takeLook(seen, { atMs, ...machine, ownCpuSeconds: own.cpuSeconds, ownMemoryBytes });
			onLook(seen.others);
		} catch (error) {
			if (!told) warn("what others use of this machine can't be told: all of it is offered", error);
			told = true;
			seen = null;
			onLook(null);
		} finally {
			looking = false;
		}
	};
	const timer = setInterval(() => void look(), LOOK_MS);
	timer.unref();
	void look();
	return { close: () => clearInterval(timer) };
};
