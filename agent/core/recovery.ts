/** A restarted agent takes up what it finds on disk. */

import { hold, reserve } from "./capacity.ts";
import { heedClosed } from "./closing.ts";
import type { Command } from "./commands.ts";
import type { Input, RecoveredAttempt } from "./inputs.ts";
import { handBack, newAttempt } from "./intake.ts";
import { finish } from "./settlement.ts";
import { type AgentState, noteFence, remember } from "./state.ts";
import { gaveTaskBack, tookTask } from "./stay.ts";
import { terminate, wakeForTimeout } from "./stopping.ts";

type Recovered = Extract<Input, { kind: "recovered" }>;

export const recover = (state: AgentState, { attempts, settled }: Recovered, nowMs: number): Command[] => {
	for (const attemptId of settled) remember(state, attemptId, { kind: "settled" });
	const commands: Command[] = [];
	// What lives holds its devices already; what has yet to start takes what is left.
	const order = (a: RecoveredAttempt, b: RecoveredAttempt): number =>
		Number(a.progress.kind === "accepted") - Number(b.progress.kind === "accepted") || a.task.fence - b.task.fence;
	for (const recovered of [...attempts].sort(order)) commands.push(...resume(state, recovered, nowMs));
	return commands;
};

const resume = (state: AgentState, recovered: RecoveredAttempt, nowMs: number): Command[] => {
	const { task, startedAtMs, stop, pause, progress } = recovered;
	const attempt = newAttempt(task, task);
	attempt.onDisk = true;
	// A clock that was set back meanwhile must not make a timeout or a grace longer.
	attempt.startedAtMs = Math.min(startedAtMs, nowMs);
	attempt.stop = stop && { ...stop, atMs: Math.min(stop.atMs, nowMs) };
	attempt.pausedAtMs = pause.sinceMs === null ? null : Math.min(pause.sinceMs, nowMs);
	attempt.pausedMs = pause.beforeMs;
	attempt.gpuIds = recovered.gpuIds;
	state.attempts.set(task.attemptId, attempt);
	noteFence(state, attempt.identity);
	tookTask(state);
	if (progress.kind === "finished") return finish(state, attempt, progress.outcome, nowMs);

	if (progress.kind === "accepted") {
		const reserved = reserve(state.ledger, task.attemptId, task.resources);
		if ("gpuIds" in reserved) {
			attempt.gpuIds = reserved.gpuIds;
			return [{ kind: "persist", task }, ...heedClosed(state, attempt, nowMs)];
		}
		gaveTaskBack(state);
		const { attemptId } = attempt.identity;
		return [handBack(state, attempt.identity, reserved.refused, nowMs), { kind: "discard", attemptId }];
	}
	hold(state.ledger, task.attemptId, task.resources, attempt.gpuIds);
	if (progress.kind === "running") {
		attempt.phase = "running";
		const follow: Command = { kind: "follow", task, startedAtMs };
		if (attempt.stop) return [follow, ...terminate(attempt, attempt.stop, nowMs)];
		return [follow, ...wakeForTimeout(attempt), ...heedClosed(state, attempt, nowMs)];
	}
	attempt.phase = "collecting";
	return [{ kind: "collect", task, ending: { kind: "exited", exit: progress.exit, stop, startedAtMs } }];
};
