/** What an earlier agent left on this disk, and how far each of its attempts came. */

import { readdirSync, rmSync } from "node:fs";
import { type AttemptId, isAttemptId } from "#shared/ids.ts";
import { identifyProcess, isAlive, type ProcessIdentity } from "#shared/process.ts";
import type { Exit, RecoveredAttempt } from "../core/inputs.ts";
import { exitOf } from "./collect.ts";
import { attemptProcesses } from "./leftovers.ts";
import { type AttemptPaths, attemptPaths } from "./paths.ts";
import { isOfEarlierBoot } from "./process.ts";
import { readClaim, readDevices, readExit, readOutcome, readStop, readTask } from "./record.ts";

export interface Recovery {
	attempts: RecoveredAttempt[];
	/** Supervisors of those that run. */
	processes: Map<AttemptId, ProcessIdentity>;
	/** Settled before; their logs may not have been shipped, or their folder not been removed. */
	leftover: AttemptId[];
}

export const recoverAttempts = (root: string, settled: ReadonlySet<AttemptId>, nowMs: number): Recovery => {
	const recovery: Recovery = { attempts: [], processes: new Map(), leftover: [] };
	const names = readdirSync(root).filter(isAttemptId);
	const carriers = names.length === 0 ? new Map<AttemptId, number[]>() : attemptProcesses();
	for (const attemptId of names) {
		const paths = attemptPaths(root, attemptId);
		if (settled.has(attemptId)) recovery.leftover.push(attemptId);
		else recoverOne(paths, attemptId, carriers.get(attemptId) ?? [], recovery, nowMs);
	}
	return recovery;
};

const recoverOne = (
	paths: AttemptPaths,
	attemptId: AttemptId,
	carriers: number[],
	recovery: Recovery,
	nowMs: number,
): void => {
	const task = readTask(paths);
	if (!task) {
		// Never acknowledged, or lost with the power: not ours.
		rmSync(paths.folder, { recursive: true, force: true });
		return;
	}
	const claim = readClaim(paths);
	const add = (progress: RecoveredAttempt["progress"]): void => {
		const startedAtMs = claim?.startedAtMs ?? 0;
		recovery.attempts.push({ task, startedAtMs, gpuIds: readDevices(paths), stop: readStop(paths), progress });
	};
	const outcome = readOutcome(paths, task);
	if (outcome) return add({ kind: "finished", outcome });

	const supervisor = claim ? claim.supervisor : aboutToClaim(carriers);
	if (supervisor && isAlive(supervisor)) {
		recovery.processes.set(attemptId, supervisor);
		return add({ kind: "running" });
	}
	if (!claim) return add({ kind: "accepted" });
	add({ kind: "exited", exit: exitLeftBy(paths, nowMs) });
};

/** Just spawned by the agent that died: alone in carrying the attempt's name. */
const aboutToClaim = ([pid]: number[]): ProcessIdentity | null => (pid === undefined ? null : identifyProcess(pid));

/** Of a supervisor that is gone. Read after the look at the process: it may just have ended. */
export const exitLeftBy = (paths: AttemptPaths, nowMs: number): Exit => {
	const exit = readExit(paths);
	if (exit) return exitOf(exit.code, exit.atMs);
	const supervisor = readClaim(paths)?.supervisor;
	const vanished =
		!supervisor || isOfEarlierBoot(supervisor)
			? "the machine was restarted while it ran"
			: "its processes were killed from outside, without leaving an exit code";
	return { exitCode: null, signal: "", vanished, atMs: nowMs };
};
