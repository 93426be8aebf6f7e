/** What an earlier agent left on this disk, and how far each of its attempts came. */

import { readdirSync, rmSync } from "node:fs";
import { type AttemptId, isAttemptId } from "#shared/ids.ts";
import type { RecoveredAttempt } from "../core/inputs.ts";
import { exitOf } from "./collect.ts";
import { attemptProcesses } from "./leftovers.ts";
import { type AttemptPaths, attemptPaths } from "./paths.ts";
import { bootId, identifyProcess, isAlive, type ProcessIdentity } from "./process.ts";
import { type Launch, readClaim, readExit, readLaunch, readOutcome, readStop, readTask } from "./record.ts";

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
	const launch = readLaunch(paths);
	const add = (progress: RecoveredAttempt["progress"]): void => {
		const { startedAtMs, gpuIds } = launch ?? { startedAtMs: 0, gpuIds: [] };
		recovery.attempts.push({ task, startedAtMs, gpuIds, stop: readStop(paths), progress });
	};
	const outcome = readOutcome(paths, task);
	if (outcome) return add({ kind: "finished", outcome });
	const claim = readClaim(paths);
	if (!launch && !claim) return add({ kind: "accepted" });
	const supervisor = claim && isAlive(claim) ? claim : unclaimed(claim, carriers);
	if (supervisor) {
		recovery.processes.set(attemptId, supervisor);
		return add({ kind: "running" });
	}
	// Read after the look at the process: it may just have ended.
	const exit = readExit(paths);
	if (exit) return add({ kind: "exited", exit: exitOf(exit.code, exit.atMs) });
	if (!claim && launch && sameBoot(launch)) return add({ kind: "accepted" });
	add({ kind: "exited", exit: { exitCode: null, signal: "", vanished: vanishedBecause(launch), atMs: nowMs } });
};

/** Spawned, and about to write its claim. */
const unclaimed = (claim: ProcessIdentity | null, carriers: number[]): ProcessIdentity | null => {
	const [pid] = carriers;
	return claim || pid === undefined ? null : identifyProcess(pid);
};

const sameBoot = ({ boot }: Launch): boolean => boot === bootId();

export const vanishedBecause = (launch: Launch | null): string =>
	launch && !sameBoot(launch)
		? "the machine was restarted while it ran"
		: "its processes were killed from outside, without leaving an exit code";
