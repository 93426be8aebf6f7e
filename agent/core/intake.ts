/** A task has come: for the first time, again, too late, or when there is no room. */

import type { AttemptIdentity, Task } from "#shared/domain.ts";
import { release, reserve } from "./capacity.ts";
import type { Command } from "./commands.ts";
import { declinedReport, emptyOutcome, startedReport } from "./reports.ts";
import { finish, reportOutcome } from "./settlement.ts";
import { type AgentState, type Attempt, closedReason, identityOf, noteFence, remember, stepOf } from "./state.ts";
import { tookTask } from "./stay.ts";
import { stopAttempt } from "./stopping.ts";

interface Received {
	delivery: number;
	task: Task;
}

export const receiveTask = (state: AgentState, received: Received, nowMs: number): Command[] => {
	const { delivery, task } = received;
	const acknowledge: Command = { kind: "acknowledge", delivery };
	const known = state.attempts.get(task.attemptId);
	if (known) return receiveAgain(state, known, received, nowMs);

	const past = state.remembered.get(task.attemptId);
	if (past?.kind === "settled") return [acknowledge];
	if (past?.kind === "declined") return [{ kind: "report", report: past.report }, acknowledge];

	const newest = state.fences.get(stepOf(task));
	if (newest && task.fence < newest.fence) return [acknowledge];

	if (past?.kind === "stopped") return [...finishAtOnce(state, task, "cancelled", nowMs), acknowledge];
	if (state.draining) return decline(state, received, "the agent is draining", nowMs);
	if (state.closed.size > 0) return decline(state, received, closedReason(state), nowMs);
	if (task.action.kind === "noop") return [...finishAtOnce(state, task, "succeeded", nowMs), acknowledge];

	const reserved = reserve(state.ledger, task.attemptId, task.resources);
	if ("refused" in reserved) return decline(state, received, reserved.refused, nowMs);

	// The newest lease alone may report: an older attempt of the step only wastes what it holds.
	const superseded = newest
		? stopAttempt(state, newest.attemptId, `superseded by attempt ${task.attemptNumber}`, nowMs)
		: [];
	const attempt = newAttempt(task, task);
	attempt.deliveries = [delivery];
	attempt.gpuIds = reserved.gpuIds;
	state.attempts.set(task.attemptId, attempt);
	noteFence(state, attempt.identity);
	tookTask(state);
	return [...superseded, { kind: "persist", task }];
};

export const newAttempt = (task: Task, kept: Task | null): Attempt => ({
	identity: identityOf(task),
	task: kept,
	phase: "accepted",
	deliveries: [],
	gpuIds: [],
	startedAtMs: 0,
	pausedAtMs: null,
	pausedMs: 0,
	stop: null,
	outcome: null,
	reportedAtMs: 0,
	reportedTo: 0,
	onDisk: false,
	settled: false,
});

/** Twice is once. The leader that sends again may not know how far it is, so it is told. */
const receiveAgain = (state: AgentState, attempt: Attempt, { delivery, task }: Received, nowMs: number): Command[] => {
	const acknowledge: Command = { kind: "acknowledge", delivery };
	if (task.fence < attempt.identity.fence) return [acknowledge];
	if (task.fence > attempt.identity.fence) {
		attempt.identity = identityOf(task);
		noteFence(state, attempt.identity);
		if (attempt.outcome) attempt.outcome = { ...attempt.outcome, attempt: attempt.identity };
		if (attempt.task) {
			// The new fence must be on disk before the task may be forgotten by the stream.
			attempt.task = { ...attempt.task, fence: task.fence };
			attempt.deliveries.push(delivery);
			return [{ kind: "persist", task: attempt.task }];
		}
	}
	switch (attempt.phase) {
		case "accepted":
			attempt.deliveries.push(delivery);
			return [];
		case "running":
			return [{ kind: "report", report: startedReport(state.agentId, attempt.identity, nowMs) }, acknowledge];
		case "finished":
			return [...reportOutcome(state, attempt, nowMs), acknowledge];
		default:
			return [acknowledge];
	}
};

const finishAtOnce = (state: AgentState, task: Task, outcome: "succeeded" | "cancelled", nowMs: number): Command[] => {
	const attempt = newAttempt(task, null);
	state.attempts.set(task.attemptId, attempt);
	noteFence(state, attempt.identity);
	return finish(state, attempt, emptyOutcome(attempt.identity, outcome, nowMs), nowMs);
};

const decline = (state: AgentState, { delivery, task }: Received, reason: string, nowMs: number): Command[] => {
	const report = handBack(state, identityOf(task), reason, nowMs);
	return [report, { kind: "acknowledge", delivery }];
};

/** Nothing of it has run and nothing will here: the leader may place it elsewhere. */
export const handBack = (state: AgentState, attempt: AttemptIdentity, reason: string, nowMs: number): Command => {
	const report = declinedReport(state.agentId, attempt, reason, nowMs);
	state.attempts.delete(attempt.attemptId);
	release(state.ledger, attempt.attemptId);
	remember(state, attempt.attemptId, { kind: "declined", report });
	return { kind: "report", report };
};
