/** Reports to the leader. Their ids follow from what they say, so that a repetition is recognised as one. */

import type { AttemptIdentity, Report, ReportBody } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import type { FinishedBody } from "./state.ts";

const attemptReport = (agentId: AgentId, what: string, body: ReportBody, atMs: number): Report => ({
	reportId: `${body.attempt.attemptId}:${body.attempt.fence}:${what}`,
	agentId,
	atMs,
	body,
});

export const startedReport = (agentId: AgentId, attempt: AttemptIdentity, nowMs: number): Report =>
	attemptReport(agentId, "started", { kind: "attemptStarted", attempt }, nowMs);

export const finishedReport = (agentId: AgentId, outcome: FinishedBody, nowMs: number): Report =>
	attemptReport(agentId, "finished", outcome, nowMs);

export const declinedReport = (agentId: AgentId, attempt: AttemptIdentity, reason: string, nowMs: number): Report =>
	attemptReport(agentId, "declined", { kind: "attemptDeclined", attempt, reason }, nowMs);

/** Of an attempt that used nothing: a no-op, or one cancelled before anything was done for it. */
export const emptyOutcome = (
	attempt: AttemptIdentity,
	outcome: "succeeded" | "cancelled",
	nowMs: number,
): FinishedBody => ({
	kind: "attemptFinished",
	attempt,
	outcome,
	failure: null,
	outputs: [],
	metrics: [],
	startedAtMs: nowMs,
	finishedAtMs: nowMs,
	logBytes: 0,
	logDroppedBytes: 0,
	codeUse: null,
	usage: null,
});
