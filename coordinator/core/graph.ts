/**
 * What settles next when a step has: steps behind it are skipped, asked for their `if`, or grow the cells of their
 * matrix. Those that nothing is asked of become ready by themselves (moves.ts).
 */

import { failureOf } from "#shared/failure.ts";
import type { StepKey } from "#shared/ids.ts";
import { evaluateCondition } from "#shared/pipeline/condition.ts";
import { expandMatrix } from "#shared/pipeline/expand.ts";
import type { FinalStepState, StepSettled } from "./events.ts";
import { needsOutcome, outputValue, scopeOf } from "./facts.ts";
import type { Run, Step } from "./state.ts";
import { emit, type Turn } from "./turn.ts";

/** A run that may go on. All that is settled from the start is so before anything is asked that looks at it. */
export const beginRun = (turn: Turn, run: Run): void => {
	if (run.status !== "running") return;
	const settled: Step[] = [];
	for (const step of [...run.steps.values()]) {
		if (step.status !== "waiting") continue;
		if (takeOver(turn, step)) settled.push(step);
		else if (run.leftOut.has(step.definition.name)) settleInto(turn, step, "skipped", "not asked for", settled);
	}
	followSettled(turn, settled);
	for (const step of [...run.steps.values()]) {
		if (step.status === "waiting" && step.openNeeds === 0) ask(turn, step, settled);
		followSettled(turn, settled);
	}
};

const takeOver = (turn: Turn, step: Step): boolean => {
	const reused = step.isTemplate ? undefined : step.run.reused.get(step.key);
	if (!reused) return false;
	const { outputs, metrics } = reused;
	emit(turn, { ...settledEvent(step, "succeeded", `taken from run ${reused.runId}`), outputs, metrics });
	return true;
};

/** Steps behind those that have settled; and behind those that settle by that. */
export const followSettled = (turn: Turn, settled: Step[]): void => {
	for (let step = settled.pop(); step; step = settled.pop()) {
		const { run, definition, status } = step;
		const isClosed = run.cellsOpen.get(definition.name) === 0;
		// Cells that fail after the first have nothing more to skip.
		if (!isClosed && (status === "succeeded" || run.skippedBehind.has(definition.name))) continue;
		if (status !== "succeeded") run.skippedBehind.add(definition.name);
		for (const dependent of [...(run.dependents.get(definition.name) ?? [])]) {
			if (dependent.status !== "waiting") continue;
			if (status !== "succeeded" && !isStatusAware(dependent)) {
				skip(turn, dependent, `${step.key} ${status}`, settled);
			} else if (dependent.openNeeds === 0) {
				ask(turn, dependent, settled);
			}
		}
	}
};

const isStatusAware = ({ definition }: Step): boolean => definition.condition?.statusAware ?? false;

const skip = (turn: Turn, step: Step, reason: string, settled: Step[]): void =>
	step.run.status === "cancelling"
		? settleInto(turn, step, "cancelled", "the run was cancelled", settled)
		: settleInto(turn, step, "skipped", reason, settled);

/** All its needs have settled: does it run, and as which cells? Steps that settle by the answer go to `settled`. */
const ask = (turn: Turn, step: Step, settled: Step[]): void => {
	const { run, definition } = step;
	// Cells may have taken a template's place since the caller listed it.
	if (run.steps.get(step.key) !== step) return;
	if (run.status !== "running" || (run.timedOut !== "" && definition.phase === "main")) return;
	if (step.unmetNeeds > 0 && !isStatusAware(step)) return;
	if (!step.isTemplate) return askCondition(turn, step, settled);
	// A condition that doesn't ask for the cell is answered once for all of them.
	if (definition.condition && !/\bmatrix\b/.test(definition.condition.source)) {
		const { held, found } = evaluate(step);
		if (!held) return void settleInto(turn, step, "skipped", notHeld(step, found), settled);
	}
	expand(turn, step, settled);
};

const askCondition = (turn: Turn, step: Step, settled: Step[]): void => {
	if (!step.definition.condition) return;
	const { held, found } = evaluate(step);
	if (held) emit(turn, { kind: "stepReadied", ...identity(step), reason: `\`if\` holds: ${found}` });
	else settleInto(turn, step, "skipped", notHeld(step, found), settled);
};

const notHeld = ({ definition }: Step, found: string): string =>
	definition.phase === "onFailure" && definition.condition?.source === "failed()"
		? "nothing has failed"
		: `\`if\` does not hold: ${found}`;

const evaluate = (step: Step) =>
	evaluateCondition(step.definition.condition?.source ?? "true", { ...scopeOf(step), ...needsOutcome(step) });

const expand = (turn: Turn, template: Step, settled: Step[]): void => {
	const { run, definition } = template;
	const expanded = expandMatrix(definition, (ref) => outputValue(run, ref));
	if ("problem" in expanded) {
		emit(turn, { ...settledEvent(template, "failed", ""), failure: failureOf("input", expanded.problem) });
		settled.push(template);
		return;
	}
	if (expanded.cells.length === 0) return settleInto(turn, template, "skipped", "its matrix is empty", settled);
	emit(turn, { kind: "matrixExpanded", ...identity(template), cellsJson: JSON.stringify(expanded.cells) });
	for (const cell of [...(run.cells.get(definition.name) ?? [])]) {
		if (takeOver(turn, cell)) settled.push(cell);
		else if (cell.status === "waiting") askCondition(turn, cell, settled);
	}
};

const settleInto = (turn: Turn, step: Step, state: FinalStepState, reason: string, settled: Step[]): void => {
	emit(turn, settledEvent(step, state, reason));
	settled.push(step);
};

const settledEvent = (step: Step, state: FinalStepState, reason: string): Omit<StepSettled, "atMs"> => ({
	...{ kind: "stepSettled", ...identity(step), state, failure: null },
	...{ outputs: [], metrics: [], reason },
});

export const identity = (step: Step): { runId: Run["id"]; stepKey: StepKey } => ({
	runId: step.run.id,
	stepKey: step.key,
});
