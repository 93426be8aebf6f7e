/** From an outcome to its settlement: reported until the journal has it, then forgotten. */

import type { HeartbeatReply } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import type { Command } from "./commands.ts";
import { finishedReport } from "./reports.ts";
import { type AgentState, type Attempt, type FinishedBody, remember } from "./state.ts";
import { stopAttempt } from "./stopping.ts";

/** A stream may lose what it acknowledged: an outcome unsettled for so long is reported again. */
const REPORT_AGAIN_MS = 15_000;
/** In answer to one heartbeat. */
const REPORT_AGAIN_LIMIT = 500;

export const finish = (state: AgentState, attempt: Attempt, outcome: FinishedBody, nowMs: number): Command[] => {
	attempt.phase = "finished";
	attempt.outcome = { ...outcome, attempt: attempt.identity };
	const forgettable = attempt.settled ? forget(state, attempt) : [];
	attempt.task = null;
	return forgettable.length > 0 ? forgettable : reportOutcome(state, attempt, nowMs);
};

export const reportOutcome = (state: AgentState, attempt: Attempt, nowMs: number): Command[] => {
	if (!attempt.outcome) return [];
	attempt.reportedAtMs = nowMs;
	attempt.reportedTo = state.leaderEpoch;
	return [{ kind: "report", report: finishedReport(state.agentId, attempt.outcome, nowMs) }];
};

export const heartbeatReplied = (state: AgentState, reply: HeartbeatReply, nowMs: number): Command[] => {
	if (reply.leave) {
		state.leaveAsked = true;
		state.draining = true;
	}
	const commands: Command[] = [];
	for (const attemptId of reply.settled) commands.push(...settle(state, attemptId, nowMs));
	for (const { attemptId, reason } of reply.stop) commands.push(...stopAttempt(state, attemptId, reason, nowMs));
	let again = 0;
	for (const attempt of state.attempts.values()) {
		if (again === REPORT_AGAIN_LIMIT) break;
		if (attempt.phase !== "finished") continue;
		// A deposed leader may have taken the report and not passed it on.
		const isFresh = attempt.reportedTo === state.leaderEpoch && nowMs - attempt.reportedAtMs < REPORT_AGAIN_MS;
		if (isFresh) continue;
		commands.push(...reportOutcome(state, attempt, nowMs));
		again++;
	}
	return commands;
};

const settle = (state: AgentState, attemptId: AttemptId, nowMs: number): Command[] => {
	const attempt = state.attempts.get(attemptId);
	if (!attempt) return [];
	if (attempt.phase === "finished") return forget(state, attempt);
	// The journal ended it without us: what still runs can't count any more.
	attempt.settled = true;
	return stopAttempt(state, attemptId, "the mesh has settled this attempt", nowMs);
};

const forget = (state: AgentState, attempt: Attempt): Command[] => {
	const { attemptId } = attempt.identity;
	state.attempts.delete(attemptId);
	if (!attempt.onDisk) return [];
	remember(state, attemptId, { kind: "settled" });
	return [{ kind: "forget", attemptId }];
};
