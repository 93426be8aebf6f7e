/** Takes up what an earlier agent left: what runs is held to its limits again, what is over goes on being settled. */

import type { AttemptId } from "#shared/ids.ts";
import type { RecoveredAttempt } from "../core/inputs.ts";
import { limitsHere } from "./outcome/usage.ts";
import type { RunnerParts } from "./parts.ts";
import { recoverAttempts } from "./recover.ts";

export interface TakenUp {
	attempts: RecoveredAttempt[];
	/** Settled before: nothing but to ship what is left of their logs and to forget them. */
	leftover: AttemptId[];
}

export const takeUp = async (parts: RunnerParts, nowMs: () => number): Promise<TakenUp> => {
	const { root, attempts, settled, environments, limits, processes, containers } = parts;
	const {
		attempts: found,
		processes: running,
		leftover,
	} = await recoverAttempts(root, new Set(settled.atStart), nowMs);
	for (const { task, progress } of found) {
		const { paths } = attempts.of(task.attemptId);
		if (progress.kind === "running") environments.adopt(task.attemptId, paths);
	}
	environments.tidy();
	for (const [attemptId, supervisor] of running) attempts.of(attemptId).supervisor = supervisor;
	limits.recall(
		found
			.filter(({ progress }) => progress.kind === "running" || progress.kind === "exited")
			.map(({ task }) => {
				const { paths, supervisor } = attempts.of(task.attemptId);
				return { attemptId: task.attemptId, limits: limitsHere(task), paths, supervisor };
			}),
	);
	for (const { task, progress } of found) if (progress.kind === "finished") attempts.of(task.attemptId).log.finish();
	for (const attemptId of leftover) attempts.of(attemptId).log.finish();
	processes.startAhead();
	const unfinished = found.filter(({ progress }) => progress.kind !== "finished");
	containers.recovered(unfinished.map(({ task }) => task.attemptId));
	return { attempts: found, leftover };
};
