/** What an earlier agent left on this disk, and how far each of its attempts came. */

import { readdirSync, rmSync } from "node:fs";
import { uptime } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { type AttemptId, isAttemptId } from "#shared/ids.ts";
import { isAlive, type ProcessIdentity } from "#shared/process.ts";
import type { RecoveredAttempt } from "../core/inputs.ts";
import { isOfEarlierBoot, signalProcess } from "../system/process.ts";
import { modifiedAtMs } from "./files/file.ts";
import { type AttemptPaths, attemptPaths } from "./files/paths.ts";
import { readExit, readNamed, readStart } from "./files/process-record.ts";
import { readDevices, readOutcome, readPause, readStop, readTask } from "./files/record.ts";
import { exitLeftBy } from "./processes/exit.ts";

export interface Recovery {
	attempts: RecoveredAttempt[];
	/** Supervisors of those that run. */
	processes: Map<AttemptId, ProcessIdentity>;
	/** Settled before; their logs may not have been shipped, or their folder not been removed. */
	leftover: AttemptId[];
}

export const recoverAttempts = async (
	root: string,
	settled: ReadonlySet<AttemptId>,
	nowMs: () => number,
): Promise<Recovery> => {
	const recovery: Recovery = { attempts: [], processes: new Map(), leftover: [] };
	const names = readdirSync(root).filter(isAttemptId);
	if (names.length > 0) await undecidedEnd(root, names);
	for (const attemptId of names) {
		const paths = attemptPaths(root, attemptId);
		if (settled.has(attemptId)) recovery.leftover.push(attemptId);
		else recoverOne(paths, attemptId, recovery, nowMs());
	}
	return recovery;
};

const LOOK_MS = 10;
const PATIENCE_MS = 2_000;

/**
 * A supervisor that the agent which died had just told of an attempt is about to start it, or sees that nobody is there
 * to tell it more, and ends. Before that nobody can say what is still to be started.
 */
const undecidedEnd = async (root: string, names: readonly AttemptId[]): Promise<void> => {
	for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
		const undecided = undecidedOf(names.map((attemptId) => attemptPaths(root, attemptId)));
		if (undecided.length === 0) return;
		// Paused, perhaps: it must not go on later.
		if (waitedMs >= PATIENCE_MS) for (const { pid } of undecided) signalProcess(pid, "SIGKILL");
		// One that the kernel still holds, for a disk that hangs, goes nowhere any more.
		if (waitedMs >= 2 * PATIENCE_MS) return;
		await delay(LOOK_MS);
	}
};

/** Supervisors that live, were told of an attempt and have not started it, nor are busy with another. */
const undecidedOf = (attempts: readonly AttemptPaths[]): ProcessIdentity[] => {
	const busy = new Set<number>();
	const told: ProcessIdentity[] = [];
	for (const paths of attempts) {
		const named = readNamed(paths);
		if (!named) continue;
		if (!readStart(paths)) told.push(named);
		else if (!readExit(paths)) busy.add(named.pid);
	}
	return told.filter((named) => !busy.has(named.pid) && isAlive(named));
};

const recoverOne = (paths: AttemptPaths, attemptId: AttemptId, recovery: Recovery, nowMs: number): void => {
	const task = readTask(paths);
	if (!task) {
		// Never acknowledged, or lost with the power: not ours.
		remove(paths.folder);
		return;
	}
	const start = readStart(paths);
	const add = (progress: RecoveredAttempt["progress"]): void => {
		const startedAtMs = start?.startedAtMs ?? 0;
		const kept = { gpuIds: readDevices(paths), stop: readStop(paths), pause: readPause(paths) };
		recovery.attempts.push({ task, startedAtMs, ...kept, progress });
	};
	const outcome = readOutcome(paths, task);
	if (outcome) return add({ kind: "finished", outcome });
	const named = readNamed(paths);
	// What was written last may be lost with the power: whoever was told of it then may have started it.
	if (!start && !(named && isOfEarlierBoot(named))) {
		if (isOfThisBoot(modifiedAtMs(paths.task), nowMs)) return add({ kind: "accepted" });
		// The task itself may be torn, and nobody knows whether it ran: whoever leads sends it again, or counts it as lost.
		remove(paths.folder);
		return;
	}
	// One that has written how this ended may live on.
	if (!readExit(paths) && start?.supervisor && isAlive(start.supervisor)) {
		recovery.processes.set(attemptId, start.supervisor);
		return add({ kind: "running" });
	}
	add({ kind: "exited", exit: exitLeftBy(paths, nowMs) });
};

/** What a step kept from being removed stays: of what is in it nothing counts. */
const remove = (folder: string): void => {
	try {
		rmSync(folder, { recursive: true, force: true });
	} catch {
		// The next agent tries again.
	}
};

/** By wall clock. One that was set meanwhile makes a young file look old: then the task comes once more. */
const isOfThisBoot = (atMs: number, nowMs: number): boolean => atMs >= nowMs - uptime() * 1_000;
