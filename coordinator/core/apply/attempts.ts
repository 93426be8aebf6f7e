/** Attempts as they are leased, start, end and are followed by others. */

import type { AgentId } from "#shared/ids.ts";
import { agentOf } from "../agents.ts";
import { claimAttempt, releaseAttempt } from "../claims.ts";
import type { AttemptEnded, AttemptLeased, AttemptMemberEnded, AttemptStarted, StepRetryScheduled } from "../events.ts";
import { newMembers } from "../members.ts";
import { moveAttempt, moveStep, requireStep } from "../moves.ts";
import type { Agent, Attempt, MeshState, Step } from "../state.ts";
import { together } from "../usage.ts";

/** `agents` by rank. */
export const applyAttemptLeased = (state: MeshState, event: AttemptLeased, agents: readonly Agent[]): void => {
	const step = requireStep(state, event);
	if (step.status === "backoff") leaveBackoff(state, step, step.notBeforeMs);
	moveStep(state, step, "leased", event.atMs);
	if (step.attempt) forget(state, step.attempt);
	const attempt: Attempt = {
		id: event.attemptId,
		number: event.attemptNumber,
		fence: event.fence,
		agentId: event.agentId,
		members: newMembers(
			event.attemptId,
			agents.map(({ id }) => id),
		),
		masterAddr: event.masterAddr,
		result: null,
		used: null,
		status: "leased",
		leasedAtMs: event.atMs,
		step,
	};
	step.attempt = attempt;
	step.attempts = event.attemptNumber;
	state.fence = Math.max(state.fence, event.fence);
	for (const { id } of attempt.members) state.attempts.set(id, attempt);
	for (const agent of agents) claimAttempt(agent, attempt);
};

export const applyAttemptStarted = (state: MeshState, event: AttemptStarted): void => {
	const step = requireStep(state, event);
	const attempt = requireAttempt(step, event.attemptId);
	if (attempt.status === "lost") {
		// It shows a sign of life, and goes on: it was not lost after all.
		for (const { agentId } of attempt.members) claimAttempt(agentOf(state, agentId), attempt);
		step.losses -= 1;
	}
	moveAttempt(attempt, "running");
	moveStep(state, step, "running", event.atMs);
};

export const applyAttemptEnded = (state: MeshState, event: AttemptEnded): void => {
	const step = requireStep(state, event);
	const attempt = requireAttempt(step, event.attemptId);
	for (const { agentId } of attempt.members) release(state, agentId, attempt);
	if (attempt.status === "lost") step.losses -= 1;
	moveAttempt(attempt, event.state);
	// A lost one may yet be heard of, unless its agent itself has said so; a gang does not come together again.
	const isGone = event.state !== "lost" || event.failure?.cause === "lost" || attempt.members.length > 1;
	if (isGone) forget(state, attempt);
	step.outputs = event.outputs;
	step.metrics = event.metrics;
	step.failure = event.failure;
	if (event.state === "failed") step.failures += 1;
	if (event.state === "lost" || event.state === "cancelled") step.losses += 1;
};

export const applyAttemptMemberEnded = (state: MeshState, event: AttemptMemberEnded): void => {
	const attempt = requireAttempt(requireStep(state, event), event.attemptId);
	const member = attempt.members[event.rank];
	if (!member) throw new Error(`the journal speaks of rank ${event.rank} of ${attempt.id}, which it does not have`);
	release(state, member.agentId, attempt);
	member.ended = true;
	const { outputs, metrics, startedAtMs, usage } = event;
	attempt.used = together(attempt.used, usage);
	if (event.rank === 0) attempt.result = { outputs, metrics, startedAtMs };
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

/** An agent that is forgotten holds nothing. */
const release = ({ agents }: MeshState, agentId: AgentId, attempt: Attempt): void => {
	const agent = agents.get(agentId);
	if (agent) releaseAttempt(agent, attempt);
};

const forget = (state: MeshState, { members }: Attempt): void => {
	for (const { id } of members) state.attempts.delete(id);
};
