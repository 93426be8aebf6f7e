/** Which outputs the pipeline reads as values: their steps are told, for the agent reports what they say. */

import type { OutputRef, StepDefinition } from "./definition.ts";
import type { Reference } from "./reference.ts";
import { matrixSources, referencesOf } from "./step-references.ts";

/** The steps of a whole pipeline, with their `values`. */
export const withValues = (steps: readonly StepDefinition[]): StepDefinition[] => {
	const byName = new Map(steps.map((step) => [step.name, step]));
	const values = new Map<string, Set<string>>();
	const mark = ({ step, output }: OutputRef): void => {
		const known = values.get(step) ?? new Set();
		if (known.has(output)) return;
		values.set(step, known.add(output));
		const action = byName.get(step)?.action;
		// These pass on what others say.
		if (action?.kind === "select") mark({ step: action.from, output });
		const source = action?.kind === "collect" ? action.outputs[output] : undefined;
		if (source) mark(source);
	};
	for (const step of steps) for (const ref of readBy(step)) mark(ref);
	return steps.map((step) => ({ ...step, values: [...(values.get(step.name) ?? [])].sort() }));
};

const readBy = (step: StepDefinition): OutputRef[] => [...matrixSources(step), ...referencesOf(step).flatMap(outputOf)];

const outputOf = (reference: Reference): OutputRef[] =>
	reference.space === "steps" && reference.field === "outputs"
		? [{ step: reference.step, output: reference.name }]
		: [];
