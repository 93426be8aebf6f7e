/** Attempts as they are leased, start, end and are followed by others. */

import { claimAttempt, releaseAttempt } from "../claims.ts";
import type { AttemptEnded, AttemptLeased, AttemptStarted, StepRetryScheduled } from "../events.ts";
import { moveAttempt, moveStep, requireStep } from "../moves.ts";
import type { Agent, Attempt, MeshState, Step } from "../state.ts";

export const applyAttemptLeased = (state: MeshState, event: AttemptLeased, agent: Agent): void => {
	const step = requireStep(state, event);
	if (step.status === "backoff") leaveBackoff(state, step, step.notBeforeMs);
	moveStep(state, step, "leased", event.atMs);
	if (step.attempt) state.attempts.delete(step.attempt.id);
	const attempt: Attempt = {
		id: event.attemptId,
		number: event.attemptNumber,
		fence: event.fence,
		agentId: event.agentId,
		status: "leased",
		leasedAtMs: event.atMs,
		sentAtMs: 0,
		step,
	};
	step.attempt = attempt;
	step.attempts = event.attemptNumber;
	state.fence = Math.max(state.fence, event.fence);
	state.attempts.set(attempt.id, attempt);
	claimAttempt(agent, attempt);
};

export const applyAttemptStarted = (state: MeshState, event: AttemptStarted): void => {
	const step = requireStep(state, event);
	const attempt = requireAttempt(step, event.attemptId);
	if (attempt.status === "lost") {
		// It shows a sign of life, and goes on: it was not lost after all.
		claimAttempt(agentOfAttempt(state, attempt), attempt);
		step.losses -= 1;
	}
	moveAttempt(attempt, "running");
	moveStep(state, step, "running", event.atMs);
};

export const applyAttemptEnded = (state: MeshState, event: AttemptEnded): void => {
	const step = requireStep(state, event);
	const attempt = requireAttempt(step, event.attemptId);
	releaseAttempt(agentOfAttempt(state, attempt), attempt);
	if (attempt.status === "lost") step.losses -= 1;
	moveAttempt(attempt, event.state);
	// A lost one may yet be heard of, unless its agent itself has said so.
	if (event.state !== "lost" || event.failure?.cause === "lost") state.attempts.delete(attempt.id);
	step.outputs = event.outputs;
	step.metrics = event.metrics;
	step.failure = event.failure;
	if (event.state === "failed") step.failures += 1;
	if (event.state === "lost" || event.state === "cancelled") step.losses += 1;
};

export const applyRetryScheduled = (state: MeshState, event: StepRetryScheduled): void => {
	const step = requireStep(state, event);
	step.notBeforeMs = event.notBeforeMs;
	moveStep(state, step, "backoff", event.atMs);
};

/** Time has come for a step in backoff: not an event, since its time stands in the journal already. */
export const leaveBackoff = (state: MeshState, step: Step, nowMs: number): void =>
	moveStep(state, step, "ready", nowMs);

const requireAttempt = (step: Step, id: string): Attempt => {
	if (step.attempt?.id === id) return step.attempt;
	throw new Error(`the journal speaks of attempt ${id}, which is not the newest of ${step.run.id}/${step.key}`);
};

/** Known since the lease. */
const agentOfAttempt = (state: MeshState, attempt: Attempt): Agent => {
	const agent = state.agents.get(attempt.agentId);
	if (!agent) throw new Error(`attempt ${attempt.id} is held by ${attempt.agentId}, which is unknown`);
	return agent;
};
