/**
 * Attempts that stand still: SIGSTOP to all processes of one, its supervisor aside, and SIGCONT when it goes on. What
 * they hold, memory and devices too, stays theirs. An attempt in a container is its engine's to pause.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { AttemptId } from "#shared/ids.ts";
import type { ProcessIdentity } from "#shared/process.ts";
import { signalGroup, signalProcess } from "../../system/process.ts";
import type { Cell } from "../limits/cell.ts";
import { attempt } from "../limits/cells.ts";
import { type AttemptProcess, processesOf, stateOf } from "./leftovers.ts";

export interface Pausing {
	/** Whatever it starts meanwhile stands still too. `cell` holds all of it; null where there is none. */
	pause(attemptId: AttemptId, supervisor: ProcessIdentity, cell: Cell | null): Promise<void>;
	resume(attemptId: AttemptId, supervisor: ProcessIdentity, cell: Cell | null): void;
}

const ROUNDS = 50;
const ROUND_MS = 20;

export const createPausing = (): Pausing => {
	/** Those that are being brought to stand still. */
	const stopping = new Set<AttemptId>();
	return {
		pause: async (attemptId, supervisor, cell) => {
			stopping.add(attemptId);
			for (let round = 0; round < ROUNDS && stopping.has(attemptId); round++) {
				if (attempt(() => stopAll(attemptId, supervisor, cell)) === 0) break;
				await delay(ROUND_MS);
			}
			stopping.delete(attemptId);
		},
		resume: (attemptId, supervisor, cell) => {
			stopping.delete(attemptId);
			if (process.platform !== "linux") return void signalGroup(supervisor.pid, "SIGCONT");
			for (const { pid } of allOf(attemptId, supervisor, cell)) signalProcess(pid, "SIGCONT");
		},
	};
};

/** How many there were that did not stand still: one that has been told may not have heeded it yet. */
const stopAll = (attemptId: AttemptId, supervisor: ProcessIdentity, cell: Cell | null): number => {
	if (process.platform !== "linux") {
		signalGroup(supervisor.pid, "SIGSTOP");
		return 0;
	}
	const stands = new Set(["T", "t", "Z", "X", ""]);
	const going = allOf(attemptId, supervisor, cell).filter(({ state }) => !stands.has(state));
	return going.filter(({ pid }) => signalProcess(pid, "SIGSTOP")).length;
};

/** A cell has those too that left its session and its environment, and needs no look at all of the machine. */
const allOf = (attemptId: AttemptId, supervisor: ProcessIdentity, cell: Cell | null): AttemptProcess[] => {
	const ids = cell && attempt(() => cell.processIds());
	if (!ids) return processesOf(attemptId, supervisor);
	return ids.filter((pid) => pid !== supervisor.pid).map((pid) => ({ pid, state: stateOf(pid) }));
};
