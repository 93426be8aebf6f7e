/**
 * Ending an attempt: SIGTERM, its grace, SIGKILL; the same for a stop from the leader and for a timeout. One that took
 * more than it may is killed without grace: what it goes on taking is others'.
 */

import type { Failure } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import { formatDuration } from "#shared/pipeline/units.ts";
import type { Command } from "./commands.ts";
import { goOn } from "./pausing.ts";
import { type AgentState, type Attempt, type LimitCause, remember, type Stop } from "./state.ts";

/** SIGKILL is sent again while the process has not gone. */
const KILL_AGAIN_MS = 5_000;

export const stopAttempt = (state: AgentState, attemptId: AttemptId, reason: string, nowMs: number): Command[] => {
	const attempt = state.attempts.get(attemptId);
	if (!attempt) {
		// A stop may overtake its task; one for an attempt of the past changes nothing.
		if (!state.remembered.has(attemptId)) remember(state, attemptId, { kind: "stopped", reason });
		return [];
	}
	return stopFor(attempt, { cause: "cancelled", reason, atMs: nowMs }, nowMs);
};

/** One that is ending already ends for what it was stopped for first. */
export const stopFor = (attempt: Attempt, stop: Stop, nowMs: number): Command[] =>
	attempt.stop ? [] : beginStop(attempt, stop, nowMs);

export const limitExceeded = (
	attempt: Attempt,
	{ cause, reason }: { cause: LimitCause; reason: string },
	nowMs: number,
): Command[] => {
	if (attempt.stop && isLimit(attempt.stop.cause)) return [];
	if (!attempt.stop) return beginStop(attempt, { cause, reason, atMs: nowMs }, nowMs);
	// What it was stopped for before stays the reason; the rest of its grace it has lost.
	return attempt.phase === "running" ? kill(attempt, attempt.stop, nowMs) : [];
};

const beginStop = (attempt: Attempt, stop: Stop, nowMs: number): Command[] => {
	switch (attempt.phase) {
		case "accepted":
		case "launching":
			attempt.stop = stop;
			return [];
		case "preparing":
			attempt.stop = stop;
			return [{ kind: "abortPrepare", attemptId: attempt.identity.attemptId }];
		case "running":
			attempt.stop = stop;
			return terminate(attempt, stop, nowMs);
		case "collecting":
		case "finished":
			return [];
	}
};

/** How an attempt ends that was stopped before its command began. */
export const unstartedBy = ({ cause, reason }: Stop): { outcome: "cancelled" | "failed"; failure: Failure | null } =>
	isLimit(cause) || cause === "lost"
		? { outcome: "failed", failure: { cause, message: reason, signal: "" } }
		: { outcome: "cancelled", failure: null };

const isLimit = (cause: Stop["cause"]): cause is LimitCause =>
	cause !== "cancelled" && cause !== "timeout" && cause !== "lost";

/** One that stands still goes on, to heed what it is told. */
export const terminate = (attempt: Attempt, stop: Stop, nowMs: number): Command[] =>
	isLimit(stop.cause)
		? kill(attempt, stop, nowMs)
		: [
				{ kind: "signal", attemptId: attempt.identity.attemptId, signal: "SIGTERM", stop },
				...goOn(attempt, nowMs),
				{ kind: "wake", attemptId: attempt.identity.attemptId, atMs: killAtMs(attempt, stop) },
			];

const kill = ({ identity: { attemptId } }: Attempt, stop: Stop, nowMs: number): Command[] => [
	{ kind: "signal", attemptId, signal: "SIGKILL", stop },
	{ kind: "wake", attemptId, atMs: nowMs + KILL_AGAIN_MS },
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
		return terminate(attempt, attempt.stop, nowMs);
	}
	const killMs = killAtMs(attempt, stop);
	if (nowMs < killMs) return [{ kind: "wake", attemptId, atMs: killMs }];
	return kill(attempt, stop, nowMs);
};

/** null also for one that stands still: its time does not run. */
const timeoutAtMs = ({ task, startedAtMs, pausedAtMs, pausedMs }: Attempt): number | null =>
	task && task.timeoutMs > 0 && pausedAtMs === null ? startedAtMs + pausedMs + task.timeoutMs : null;

const killAtMs = ({ task }: Attempt, { cause, atMs }: Stop): number =>
	isLimit(cause) ? atMs : atMs + (task?.graceMs ?? 0);
