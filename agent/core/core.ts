/**
 * The agent's decisions: `handle` takes one thing that happened and says what to do. Pure but for its own state;
 * what it asks for comes back as inputs. The rules it keeps: an attempt is launched at most once here, what is
 * accepted fits the capacity, and an outcome is reported until the journal has it.
 */

import { assertNever } from "#shared/assert-never.ts";
import type { AttemptPhase, Failure } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import { release } from "./capacity.ts";
import { closedChanged, heedClosed } from "./closing.ts";
import type { Command } from "./commands.ts";
import type { Exit, Input } from "./inputs.ts";
import { handBack, receiveTask } from "./intake.ts";
import { recover } from "./recovery.ts";
import { startedReport } from "./reports.ts";
import { finish, heartbeatReplied } from "./settlement.ts";
import type { AgentState, Attempt, FinishedBody } from "./state.ts";
import { gaveTaskBack } from "./stay.ts";
import { limitExceeded, stopAttempt, terminate, unstartedBy, wakeForTimeout, woken } from "./stopping.ts";

export const handle = (state: AgentState, input: Input, nowMs: number): Command[] => {
	switch (input.kind) {
		case "recovered":
			return recover(state, input, nowMs);
		case "capacityKnown":
			state.ledger.capacity = input.capacity;
			return [];
		case "usableKnown":
			state.ledger.usable = input.usable;
			return [];
		case "closedChanged":
			return closedChanged(state, input, nowMs);
		case "taskReceived":
			heeds(state, input.task.leaderEpoch);
			return receiveTask(state, input, nowMs);
		case "taskPersisted":
			return within(state, input.attemptId, (attempt) => persisted(attempt, nowMs));
		case "taskNotPersisted":
			return within(state, input.attemptId, (attempt) => notPersisted(state, attempt, input.reason, nowMs));
		case "prepared":
			return within(state, input.attemptId, (attempt) => prepared(attempt, nowMs));
		case "unable":
			return within(state, input.attemptId, (attempt) => unable(state, attempt, input.reason, nowMs));
		case "prepareFailed":
		case "launchFailed":
			return within(state, input.attemptId, (attempt) => neverStarted(attempt, input.failure, nowMs));
		case "launched":
			return within(state, input.attemptId, (attempt) => launched(state, attempt, input.startedAtMs, nowMs));
		case "exited":
			return within(state, input.attemptId, (attempt) => exited(attempt, input.exit));
		case "outcomeReady":
			return within(state, input.attemptId, (attempt) => outcomeReady(state, attempt, input.outcome, nowMs));
		case "woken":
			return within(state, input.attemptId, (attempt) => woken(attempt, nowMs));
		case "stopAsked":
			return heeds(state, input.leaderEpoch) ? stopAttempt(state, input.attemptId, input.reason, nowMs) : [];
		case "limitExceeded":
			return within(state, input.attemptId, (attempt) => limitExceeded(attempt, input, nowMs));
		case "heartbeatReplied":
			return heeds(state, input.reply.leaderEpoch) ? heartbeatReplied(state, input.reply, nowMs) : [];
		case "drainAsked":
			state.draining = true;
			return [];
		default:
			return assertNever(input);
	}
};

const heeds = (state: AgentState, leaderEpoch: number): boolean => {
	state.leaderEpoch = Math.max(state.leaderEpoch, leaderEpoch);
	return leaderEpoch === state.leaderEpoch;
};

/** NATS carries a megabyte; what is left out are outcomes, the youngest. */
const STATUS_LIMIT = 10_000;

/** What the heartbeat says of the attempts, those that live first. */
export const attemptStatuses = (state: AgentState): { attemptId: AttemptId; fence: number; phase: AttemptPhase }[] => {
	const living: Attempt[] = [];
	const finished: Attempt[] = [];
	for (const attempt of state.attempts.values()) (attempt.phase === "finished" ? finished : living).push(attempt);
	return [...living, ...finished].slice(0, STATUS_LIMIT).map((attempt) => ({
		attemptId: attempt.identity.attemptId,
		fence: attempt.identity.fence,
		phase: outwardPhase(attempt),
	}));
};

const outwardPhase = ({ phase, pausedAtMs }: Attempt): AttemptPhase => {
	if (phase === "running" && pausedAtMs !== null) return "paused";
	if (phase === "finished" || phase === "preparing") return phase;
	return phase === "running" || phase === "collecting" ? "running" : "accepted";
};

/** An input about an attempt that is gone says nothing any more. */
const within = (state: AgentState, attemptId: AttemptId, act: (attempt: Attempt) => Command[]): Command[] => {
	const attempt = state.attempts.get(attemptId);
	return attempt ? act(attempt) : [];
};

const persisted = (attempt: Attempt, nowMs: number): Command[] => {
	const acknowledgements = attempt.deliveries.map((delivery): Command => ({ kind: "acknowledge", delivery }));
	attempt.deliveries = [];
	attempt.onDisk = true;
	if (attempt.phase !== "accepted" || !attempt.task) return acknowledgements;
	if (attempt.stop) return [...acknowledgements, ...neverStarted(attempt, null, nowMs)];
	attempt.phase = "preparing";
	return [...acknowledgements, { kind: "prepare", task: attempt.task }];
};

/** It is not on disk, so it is not ours: the leader may place it elsewhere. */
const notPersisted = (state: AgentState, attempt: Attempt, reason: string, nowMs: number): Command[] => {
	const { identity, deliveries } = attempt;
	const acknowledgements = deliveries.map((delivery): Command => ({ kind: "acknowledge", delivery }));
	attempt.deliveries = [];
	if (attempt.phase !== "accepted") return acknowledgements;
	const report = handBack(state, identity, reason, nowMs);
	gaveTaskBack(state);
	return [report, { kind: "discard", attemptId: identity.attemptId }, ...acknowledgements];
};

const prepared = (attempt: Attempt, nowMs: number): Command[] => {
	if (attempt.phase !== "preparing" || !attempt.task) return [];
	if (attempt.stop) return neverStarted(attempt, null, nowMs);
	attempt.phase = "launching";
	return [{ kind: "launch", task: attempt.task, gpuIds: attempt.gpuIds }];
};

/** It was accepted for what the host was said to have. */
const unable = (state: AgentState, attempt: Attempt, reason: string, nowMs: number): Command[] => {
	if (attempt.phase !== "preparing") return [];
	if (attempt.stop) return neverStarted(attempt, null, nowMs);
	const { attemptId } = attempt.identity;
	gaveTaskBack(state);
	return [handBack(state, attempt.identity, reason, nowMs), { kind: "discard", attemptId }];
};

/** Over before it began: stopped, or its preparation or launch failed. */
const neverStarted = (attempt: Attempt, failure: Failure | null, nowMs: number): Command[] => {
	const { task, phase, stop } = attempt;
	if (!task || (phase !== "accepted" && phase !== "preparing" && phase !== "launching")) return [];
	attempt.phase = "collecting";
	const how = stop ? unstartedBy(stop) : ({ outcome: "failed", failure } as const);
	return [{ kind: "collect", task, ending: { kind: "unstarted", ...how, atMs: nowMs } }];
};

const launched = (state: AgentState, attempt: Attempt, startedAtMs: number, nowMs: number): Command[] => {
	if (attempt.phase !== "launching") return [];
	attempt.phase = "running";
	attempt.startedAtMs = startedAtMs;
	const report: Command = { kind: "report", report: startedReport(state.agentId, attempt.identity, nowMs) };
	if (attempt.stop) return [report, ...terminate(attempt, attempt.stop, nowMs)];
	return [report, ...wakeForTimeout(attempt), ...heedClosed(state, attempt, nowMs)];
};

const exited = (attempt: Attempt, exit: Exit): Command[] => {
	const { task, phase, stop, startedAtMs } = attempt;
	if (phase !== "running" || !task) return [];
	attempt.phase = "collecting";
	return [{ kind: "collect", task, ending: { kind: "exited", exit, stop, startedAtMs } }];
};

const outcomeReady = (state: AgentState, attempt: Attempt, outcome: FinishedBody, nowMs: number): Command[] => {
	if (attempt.phase !== "collecting") return [];
	release(state.ledger, attempt.identity.attemptId);
	return finish(state, attempt, outcome, nowMs);
};
