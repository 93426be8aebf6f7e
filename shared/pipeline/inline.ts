/**
 * Sub-pipelines written out: the steps of a file that a step uses become `<step>.<substep>`, and the step itself becomes
 * one that waits for them all and has the outputs that the file gives.
 */

import { bindCondition, bindValues } from "./bind.ts";
import { mapReferences } from "./condition-syntax.ts";
import type { Condition, OutputRef, ParamValue, StepAction, StepDefinition } from "./definition.ts";
import { cellCount, MAX_CELLS } from "./expand.ts";
import { segments } from "./interpolate.ts";
import type { LinkedFile } from "./read-files.ts";
import { INPUTS, refsOf } from "./read-refs.ts";
import type { SubPipelineUse } from "./read-sub-pipeline.ts";
import { formatReference, type Reference } from "./reference.ts";
import { matrixSources } from "./step-references.ts";

/** Those of the file that the step uses, and its own end; or its own. */
export const countCellsOf = (file: LinkedFile, step: StepDefinition, known: Map<LinkedFile, number>): number => {
	const used = file.uses.get(step.name);
	return used ? countCells(used.file, known) + 1 : cellCount(step);
};

/** As many as `file` makes, each matrix expanded as far as it is known; Infinity when that is more than there may be. */
const countCells = (file: LinkedFile, known: Map<LinkedFile, number>): number => {
	const before = known.get(file);
	if (before !== undefined) return before;
	let count = 0;
	for (const step of file.steps) {
		count += countCellsOf(file, step, known);
		if (count > MAX_CELLS) count = Number.POSITIVE_INFINITY;
	}
	known.set(file, count);
	return count;
};

/** Of a file within the limits; one after the other, for together they may be far more than the files. */
export const inlineSteps = (file: LinkedFile): Generator<StepDefinition> =>
	inlineFile(file, { prefix: "", params: null, inputs: {}, needs: [], condition: null });

/** What a file gets from the step that uses it, in the words of the whole pipeline. */
interface Surroundings {
	/** "" or ends with a dot. */
	prefix: string;
	/** null for the run's own. */
	params: Record<string, ParamValue> | null;
	inputs: Record<string, OutputRef>;
	/** Of the steps that need nothing in their file. */
	needs: string[];
	condition: Condition | null;
}

function* inlineFile(file: LinkedFile, around: Surroundings): Generator<StepDefinition> {
	for (const local of file.steps) {
		const step = place(local, around);
		const used = file.uses.get(local.name);
		if (used) {
			yield* inlineFile(used.file, {
				prefix: `${step.name}.`,
				params: paramsOf(used, around.params),
				inputs: mapValues(refsOf(used.use.inputs), (ref) => placeRef(ref, around)),
				needs: step.needs,
				condition: handOn(local, around),
			});
		}
		yield used ? collect(step, used.file) : step;
	}
}

/** A step in the words of the whole pipeline. */
const place = (step: StepDefinition, around: Surroundings): StepDefinition => {
	if (around.prefix === "") return step;
	const isRoot = step.needs.length === 0;
	const own = placeCondition(step.condition, around);
	const given = givenTo(step).map(({ output }) => around.inputs[output]?.step ?? "");
	const needs = [...step.needs.map((need) => around.prefix + need), ...given, ...(isRoot ? around.needs : [])];
	return {
		...step,
		name: around.prefix + step.name,
		needs: [...new Set(needs.filter((need) => need !== ""))],
		inputs: mapValues(step.inputs, (ref) => placeRef(ref, around)),
		matrix: step.matrix && mapValues(step.matrix, (axis) => (Array.isArray(axis) ? axis : placeRef(axis, around))),
		condition: isRoot ? both(around.condition, own) : own,
		action: placeAction(step.action, around),
		env: mapValues(step.env, (text) => placeTemplate(text, around)),
		image: placeTemplate(step.image, around),
		params: around.params,
	};
};

const placeRef = ({ step, output }: OutputRef, { prefix, inputs }: Surroundings): OutputRef =>
	(prefix !== "" && step === INPUTS && inputs[output]) || { step: prefix + step, output };

/** What it takes of its file's inputs. */
const givenTo = (step: StepDefinition): OutputRef[] => {
	const { inputs, action } = step;
	const refs: (OutputRef | null)[] = [...Object.values(inputs), ...matrixSources(step)];
	if (action.kind === "deploy") refs.push(action.model, action.golden);
	return refs.filter((ref) => ref?.step === INPUTS) as OutputRef[];
};

const placeAction = (action: StepAction, around: Surroundings): StepAction => {
	switch (action.kind) {
		case "command":
			return { ...action, command: placeTemplate(action.command, around) };
		case "approve":
			return { ...action, message: placeTemplate(action.message, around) };
		case "select":
			return { ...action, from: around.prefix + action.from };
		case "deploy": {
			const { model, golden } = action;
			return { ...action, model: placeRef(model, around), golden: golden && placeRef(golden, around) };
		}
		default:
			return action;
	}
};

const placeReference = (reference: Reference, { prefix }: Surroundings): string =>
	formatReference(reference.space === "steps" ? { ...reference, step: prefix + reference.step } : reference);

const placeTemplate = (template: string, around: Surroundings): string =>
	segments(template)
		.map((segment) => {
			if (typeof segment === "string") return segment;
			return segment.target ? `\${{ ${placeReference(segment.target, around)} }}` : segment.source;
		})
		.join("");

const placeCondition = (condition: Condition | null, around: Surroundings): Condition | null =>
	condition && { ...condition, source: mapReferences(condition.source, (each) => placeReference(each, around)) };

/** The condition of a step for the roots of the file it uses, whose own parameters are others: so it brings the values. */
const handOn = (local: StepDefinition, around: Surroundings): Condition | null => {
	const own = placeCondition(local.condition, around);
	const marked = own && {
		...own,
		source: mapReferences(own.source, (each) =>
			each.space === "params" ? `\${{ ${formatReference(each)} }}` : formatReference(each),
		),
	};
	const bound =
		marked && around.params ? { ...marked, source: bindCondition(marked.source, around.params, "file") } : marked;
	return local.needs.length === 0 ? both(around.condition, bound) : bound;
};

/** Without a word on how needs ended, a condition asks that all have succeeded. */
const both = (outer: Condition | null, inner: Condition | null): Condition | null => {
	if (outer === null || inner === null) return outer ?? inner;
	const asks = !outer.statusAware && inner.statusAware ? "succeeded() && " : "";
	return {
		source: `${asks}(${outer.source}) && (${inner.source})`,
		statusAware: outer.statusAware || inner.statusAware,
	};
};

const paramsOf = (
	{ use, file }: { use: SubPipelineUse; file: LinkedFile },
	params: Record<string, ParamValue> | null,
): Record<string, ParamValue> => {
	const given = Object.entries(file.params).map(([name, param]): [string, ParamValue] => [
		name,
		use.params.get(name)?.value ?? param.default ?? "",
	]);
	const values = Object.fromEntries(given);
	return params === null ? values : bindValues(values, params);
};

/** It needs all steps of the file. One that an `if` may leave out need not have succeeded, but it must not have failed. */
const collect = (step: StepDefinition, file: LinkedFile): StepDefinition => {
	const prefix = `${step.name}.`;
	const optional = optionalSteps(file.steps);
	const sources = Object.values(file.outputs).map((ref) => ref.step);
	const required = file.steps.flatMap(({ name }) => (optional.has(name) && !sources.includes(name) ? [] : [name]));
	const states = required.map((name) => `steps.${prefix}${name}.state == "succeeded"`);
	return {
		...step,
		needs: file.steps.map(({ name }) => prefix + name),
		condition: optional.size === 0 ? null : { source: allOf(["!failed()", ...states]), statusAware: true },
		action: { kind: "collect", outputs: mapValues(file.outputs, (ref) => ({ ...ref, step: prefix + ref.step })) },
	};
};

/** With an `if`, or behind such a step. */
const optionalSteps = (steps: readonly StepDefinition[]): Set<string> => {
	const dependents = new Map<string, string[]>(steps.map(({ name }) => [name, []]));
	for (const { name, needs } of steps) for (const need of needs) dependents.get(need)?.push(name);
	const found = new Set(steps.flatMap(({ name, condition }) => (condition === null ? [] : [name])));
	for (const name of found) for (const dependent of dependents.get(name) ?? []) found.add(dependent);
	return found;
};

/** Halved again and again, for thousands of terms in a row would be as many levels. */
const allOf = (terms: readonly string[]): string => {
	if (terms.length <= 2) return terms.join(" && ");
	const half = Math.ceil(terms.length / 2);
	return `(${allOf(terms.slice(0, half))}) && (${allOf(terms.slice(half))})`;
};

const mapValues = <V, W>(values: Record<string, V>, change: (value: V) => W): Record<string, W> =>
	Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
