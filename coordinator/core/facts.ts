/** What a step's expressions may see: parameters, its cell, and what became of earlier steps. */

import type { OutputRef } from "#shared/pipeline/definition.ts";
import type { Scope, StepFacts } from "#shared/pipeline/scope.ts";
import type { Run, Step } from "./state.ts";

export const scopeOf = ({ run, definition, matrix }: Step): Scope => ({
	params: definition.params ?? run.params,
	matrix,
	steps: (name) => factsOf(run, name),
});

/** What is settled stays so: each step is looked at once, however many cells ask for it. */
const known = new WeakMap<Run, Map<string, StepFacts>>();

/** null for a step that is unknown or has not settled with all its cells. */
const factsOf = (run: Run, name: string): StepFacts | null => {
	// Whatever became of its rest: a person may cancel what was not asked for.
	if (run.leftOut.has(name)) return leftOut;
	const cells = run.cells.get(name);
	if (!cells || (run.cellsOpen.get(name) ?? 0) > 0) return null;
	const ofRun = known.get(run) ?? new Map<string, StepFacts>();
	known.set(run, ofRun);
	const facts = ofRun.get(name) ?? factsOfCells(cells);
	ofRun.set(name, facts);
	return facts;
};

const leftOut: StepFacts = { state: "skipped", outputs: {}, metrics: {} };

const factsOfCells = (cells: readonly Step[]): StepFacts => {
	const [only] = cells.length === 1 ? cells : [];
	return {
		state: stateOf(cells),
		// As with inputs, only what a step that succeeded has left counts.
		outputs: Object.fromEntries(only?.status === "succeeded" ? only.outputs.flatMap(valueEntry) : []),
		metrics: Object.fromEntries((only?.metrics ?? []).map(({ name, value }) => [name, value])),
	};
};

const valueEntry = ({ name, valueJson }: Step["outputs"][number]): [string, unknown][] =>
	valueJson === undefined ? [] : [[name, JSON.parse(valueJson)]];

/** The end of a sub-pipeline is skipped when something inside has failed: for others, it is the sub-pipeline that failed. */
const stateOf = (cells: readonly Step[]): StepFacts["state"] => {
	const state = stateOfAll(cells);
	const [end] = cells;
	if (state !== "skipped" || end?.definition.action.kind !== "collect") return state;
	const inside = end.definition.needs.map((need) => factsOf(end.run, need)?.state);
	return (["failed", "cancelled"] as const).find((each) => inside.includes(each)) ?? "skipped";
};

const stateOfAll = (cells: readonly Step[]): StepFacts["state"] => {
	const states = new Set(cells.map(({ status }) => status));
	if (states.has("failed")) return "failed";
	if (states.has("cancelled")) return "cancelled";
	return states.size === 1 && states.has("skipped") ? "skipped" : "succeeded";
};

/** What an earlier step's output says; undefined when it has no value. */
export const outputValue = (run: Run, { step, output }: OutputRef): unknown => factsOf(run, step)?.outputs[output];

/** How a step's needs ended. */
export const needsOutcome = ({ run, definition }: Step): { succeeded: boolean; failed: boolean } => {
	const states = definition.needs.filter((need) => !run.leftOut.has(need)).map((need) => factsOf(run, need)?.state);
	return {
		succeeded: states.every((state) => state === "succeeded"),
		failed: states.includes("failed") || run.timedOut !== "",
	};
};
