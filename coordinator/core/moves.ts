/** Moves of steps and attempts, with the sets that hold them by their status. Used by apply alone. */

import type { RunId, StepKey } from "#shared/ids.ts";
import type { Attempt, AttemptStatus, MeshState, Run, Step, StepStatus } from "./state.ts";
import { assertMove, attemptMoves, stepMoves } from "./transitions.ts";

const STORY_LENGTH = 8;

export const requireRun = (state: MeshState, id: RunId): Run => {
	const run = state.runs.get(id);
	if (!run) throw new Error(`the journal speaks of run ${id}, which is unknown or over`);
	return run;
};

export const requireStep = (state: MeshState, event: { runId: RunId; stepKey: StepKey }): Step => {
	const step = requireRun(state, event.runId).steps.get(event.stepKey);
	if (!step) throw new Error(`the journal speaks of step ${event.stepKey}, which run ${event.runId} does not have`);
	return step;
};

export const moveStep = (state: MeshState, step: Step, to: StepStatus, atMs: number): void => {
	assertMove(stepMoves, `${step.run.id}/${step.key}`, step.status, to, step.story);
	if (step.status === "ready") state.ready.delete(step);
	if (step.status === "backoff") state.backoff.delete(step);
	if (step.status === "held") state.held.delete(step);
	step.status = to;
	step.sinceMs = atMs;
	step.story.push(to);
	if (step.story.length > STORY_LENGTH) step.story.shift();
	if (to === "ready") {
		step.readyAtMs = atMs;
		state.ready.add(step);
	}
	if (to === "backoff") state.backoff.add(step);
	if (to === "held") state.held.add(step);
	if (step.group !== "") takeOrLeaveGroup(state, step);
};

export const moveAttempt = (attempt: Attempt, to: AttemptStatus): void => {
	assertMove(attemptMoves, attempt.id, attempt.status, to, attempt.step.story);
	attempt.status = to;
};

/** A step whose needs have succeeded is ready, unless something else is asked first (graph.ts). */
export const readyByItself = (state: MeshState, step: Step, atMs: number): void => {
	if (step.status !== "waiting" || step.unmetNeeds > 0 || asksFirst(step)) return;
	moveStep(state, step, "ready", atMs);
};

const asksFirst = ({ run, key, definition, isTemplate }: Step): boolean =>
	definition.condition !== null ||
	isTemplate ||
	run.status === "queued" ||
	run.reused.has(key) ||
	run.leftOut.has(definition.name);

const takeOrLeaveGroup = (state: MeshState, step: Step): void => {
	const holders = state.stepGroups.get(step.group);
	if (step.status === "leased" || step.status === "running" || step.status === "held") {
		state.stepGroups.set(step.group, (holders ?? new Set()).add(step));
	} else if (holders?.delete(step) && holders.size === 0) {
		state.stepGroups.delete(step.group);
	}
};
