/** A step's final word, and what it means for the needs of others. */

import type { StepSettled } from "../events.ts";
import { moveStep, readyByItself, requireStep } from "../moves.ts";
import type { MeshState, Step } from "../state.ts";

export const applyStepSettled = (state: MeshState, event: StepSettled): void => {
	const step = requireStep(state, event);
	const { run, definition } = step;
	moveStep(state, step, event.state, event.atMs);
	step.outputs = event.outputs;
	step.metrics = event.metrics;
	step.failure = event.failure;
	if (step.attempt) state.attempts.delete(step.attempt.id);
	run.unsettled -= 1;
	run.reused.delete(step.key);
	const isClosed = countDown(run.cellsOpen, definition.name) === 0;
	const isMet = event.state === "succeeded" && countDown(run.cellsLeft, definition.name) === 0;
	if (!isClosed) return;
	for (const dependent of run.dependents.get(definition.name) ?? []) meetNeed(state, dependent, isMet, event.atMs);
};

const meetNeed = (state: MeshState, dependent: Step, isMet: boolean, atMs: number): void => {
	dependent.openNeeds -= 1;
	if (!isMet) return;
	dependent.unmetNeeds -= 1;
	readyByItself(state, dependent, atMs);
};

const countDown = (counts: Map<string, number>, name: string): number => {
	const left = (counts.get(name) ?? 0) - 1;
	counts.set(name, left);
	return left;
};
