/** What the expressions of a step see: parameters, the step's cell, and what became of earlier steps. */

import type { ParamValue } from "./definition.ts";
import type { Reference } from "./reference.ts";

export interface StepFacts {
	/** Of a matrix: failed if any cell has, else cancelled if any was, else skipped if all were, else succeeded. */
	state: "succeeded" | "failed" | "cancelled" | "skipped";
	/** What its outputs say. */
	outputs: Record<string, unknown>;
	metrics: Record<string, number>;
}

export interface Scope {
	params: Record<string, ParamValue>;
	matrix: Record<string, ParamValue>;
	/** null for a step that is unknown or has not settled. */
	steps(name: string): StepFacts | null;
}

/** undefined when there is nothing of that name. */
export const lookUp = (scope: Scope, reference: Reference): unknown => {
	if (reference.space !== "steps") return own(scope[reference.space], reference.name);
	const facts = scope.steps(reference.step);
	if (facts === null) return undefined;
	return reference.field === "state" ? facts.state : own(facts[reference.field], reference.name);
};

const own = (values: Record<string, unknown>, name: string): unknown =>
	Object.hasOwn(values, name) ? values[name] : undefined;
