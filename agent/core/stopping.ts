/** Ending an attempt: SIGTERM, its grace, SIGKILL; the same for a stop from the leader and for a timeout. */

import type { AttemptId } from "#shared/ids.ts";
import { formatDuration } from "#shared/pipeline/units.ts";
import type { Command } from "./commands.ts";
import { type AgentState, type Attempt, remember, type Stop } from "./state.ts";

/** SIGKILL is sent again while the process has not gone. */
const KILL_AGAIN_MS = 5_000;

export const stopAttempt = (state: AgentState, attemptId: AttemptId, reason: string, nowMs: number): Command[] => {
	const attempt = state.attempts.get(attemptId);
	if (!attempt) {
		// A stop may overtake its task; one for an attempt of the past changes nothing.
		if (!state.remembered.has(attemptId)) remember(state, attemptId, { kind: "stopped", reason });
		return [];
	}
	if (attempt.stop) return [];
	switch (attempt.phase) {
		case "accepted":
		case "launching":
			attempt.stop = { cause: "cancelled", reason, atMs: nowMs };
			return [];
		case "preparing":
			attempt.stop = { cause: "cancelled", reason, atMs: nowMs };
			return [{ kind: "abortPrepare", attemptId }];
		case "running":
			attempt.stop = { cause: "cancelled", reason, atMs: nowMs };
			return terminate(attempt, attempt.stop);
		case "collecting":
		case "finished":
			return [];
	}
};

export const terminate = (attempt: Attempt, stop: Stop): Command[] => [
	{ kind: "signal", attemptId: attempt.identity.attemptId, signal: "SIGTERM", stop },
	{ kind: "wake", attemptId: attempt.identity.attemptId, atMs: killAtMs(attempt, stop) },
];

export const wakeForTimeout = (attempt: Attempt): Command[] => {
	const atMs = timeoutAtMs(attempt);
	return atMs === null ? [] : [{ kind: "wake", attemptId: attempt.identity.attemptId, atMs }];
};

export const woken = (attempt: Attempt, nowMs: number): Command[] => {
	if (attempt.phase !== "running") return [];
	const { identity, stop, task } = attempt;
	const { attemptId } = identity;
	if (!stop) {
		const dueMs = timeoutAtMs(attempt);
		if (dueMs === null) return [];
		if (nowMs < dueMs) return [{ kind: "wake", attemptId, atMs: dueMs }];
		const reason = `ran longer than its timeout of ${formatDuration(task?.timeoutMs ?? 0)}`;
		attempt.stop = { cause: "timeout", reason, atMs: nowMs };
		return terminate(attempt, attempt.stop);
	}
	const killMs = killAtMs(attempt, stop);
	if (nowMs < killMs) return [{ kind: "wake", attemptId, atMs: killMs }];
	return [
		{ kind: "signal", attemptId, signal: "SIGKILL", stop },
		{ kind: "wake", attemptId, atMs: nowMs + KILL_AGAIN_MS },
	];
};

const timeoutAtMs = ({ task, startedAtMs }: Attempt): number | null =>
	task && task.timeoutMs > 0 ? startedAtMs + task.timeoutMs : null;

const killAtMs = ({ task }: Attempt, stop: Stop): number => stop.atMs + (task?.graceMs ?? 0);
