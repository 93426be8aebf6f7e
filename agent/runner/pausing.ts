/**
 * Attempts that stand still: SIGSTOP to all processes of one, its supervisor aside, and SIGCONT when it goes on. What
 * they hold, memory and devices too, stays theirs. An attempt in a container is its engine's to pause.
 */

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { AttemptId } from "#shared/ids.ts";
import type { ProcessIdentity } from "#shared/process.ts";
import { neverPaused } from "../core/pausing.ts";
import type { Pause } from "../core/state.ts";
import { processesOf } from "./leftovers.ts";
import type { AttemptPaths } from "./paths.ts";
import { signalGroup, signalProcess } from "./process.ts";

export interface Pausing {
	/** Whatever it starts meanwhile stands still too. */
	pause(attemptId: AttemptId, supervisor: ProcessIdentity): Promise<void>;
	resume(attemptId: AttemptId, supervisor: ProcessIdentity): void;
}

const ROUNDS = 50;
const ROUND_MS = 20;

export const createPausing = (): Pausing => {
	/** Those that are being brought to stand still. */
	const stopping = new Set<AttemptId>();
	return {
		pause: async (attemptId, supervisor) => {
			stopping.add(attemptId);
			for (let round = 0; round < ROUNDS && stopping.has(attemptId); round++) {
				if (stopAll(attemptId, supervisor) === 0) break;
				await delay(ROUND_MS);
			}
			stopping.delete(attemptId);
		},
		resume: (attemptId, supervisor) => {
			stopping.delete(attemptId);
			if (process.platform !== "linux") return void signalGroup(supervisor.pid, "SIGCONT");
			for (const { pid } of processesOf(attemptId, supervisor)) signalProcess(pid, "SIGCONT");
		},
	};
};

/** How many there were that did not stand still: one that has been told may not have heeded it yet. */
const stopAll = (attemptId: AttemptId, supervisor: ProcessIdentity): number => {
	if (process.platform !== "linux") {
		signalGroup(supervisor.pid, "SIGSTOP");
		return 0;
	}
	const going = processesOf(attemptId, supervisor).filter(({ state }) => state !== "T" && state !== "t");
	return going.filter(({ pid }) => signalProcess(pid, "SIGSTOP")).length;
};

/** Before the first of its processes stands still, and once they go on: an agent that is restarted lets none lie. */
export const writePause = ({ pause: path }: AttemptPaths, pause: Pause): void => {
	writeFileSync(`${path}.new`, JSON.stringify(pause), { mode: 0o600 });
	renameSync(`${path}.new`, path);
};

export const readPause = ({ pause: path }: AttemptPaths): Pause => {
	try {
		const { sinceMs, beforeMs } = JSON.parse(readFileSync(path, "utf8")) as Pause;
		const isWhole = Number.isFinite(beforeMs) && (sinceMs === null || Number.isFinite(sinceMs));
		return isWhole ? { sinceMs, beforeMs } : neverPaused;
	} catch {
		// It never stood still, or nobody can say for how long: its timeout runs.
		return neverPaused;
	}
};
