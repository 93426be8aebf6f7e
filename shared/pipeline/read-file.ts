/** One pipeline file by itself: its head and its steps, as far as they can be known without other files. */

import type { Concurrency, OutputRef, ParamDefinition } from "./definition.ts";
import { noAxes } from "./expressions.ts";
import { fileStart, type Problems } from "./problems.ts";
import { addExpected, type Fields, listOf, readDuration, readFields, readMap, readName } from "./read.ts";
import { readConcurrency } from "./read-concurrency.ts";
import { readParams } from "./read-params.ts";
import { INPUTS, type Link, readOutputRefs } from "./read-refs.ts";
import { readStep, type StepContext, type StepDraft } from "./read-step.ts";
import { builtInSettings, readSettings } from "./settings.ts";
import type { Field, TreeNode } from "./yaml-tree.ts";

/** A file is submitted, or another one uses it. */
export type Role = "main" | "sub";

export interface FileDraft {
	problems: Problems;
	role: Role;
	name: string;
	params: Record<string, ParamDefinition>;
	timeoutMs: number;
	concurrency: Concurrency | null;
	/** Names of what it is given. */
	inputs: string[];
	/** What it gives. */
	outputs: Record<string, OutputRef>;
	outputLinks: Link[];
	/** Those of `on_failure` last. */
	drafts: StepDraft[];
}

/** Each of them waits for every other step by name. */
const MAX_ON_FAILURE = 20;

export const readFile = (problems: Problems, root: TreeNode, role: Role): FileDraft | null => {
	const fields = readFields(problems, root, "pipeline", "a mapping with `name` and `steps`");
	if (fields === null) return null;
	refuseForRole(problems, fields, role);
	if (!fields.name && role === "main" && !fields.inputs)
		problems.add(fileStart, "expected `name`, the pipeline's name");
	if (!fields.steps) problems.add(fileStart, "expected `steps`");
	const paramNames = fields.params ? namesIn(fields.params.value) : [];
	const scope = { params: paramNames, axes: noAxes, step: null };
	const given = fields.inputs ? readInputNames(problems, fields.inputs.value) : null;
	const inputs = given ?? (role === "sub" ? [] : null);
	const outputLinks: Link[] = [];
	return {
		problems,
		role,
		name: (fields.name && readName(problems, fields.name.value, "the pipeline's name")) ?? "",
		params: fields.params ? readParams(problems, fields.params.value) : {},
		timeoutMs: fields.timeout ? (readDuration(problems, fields.timeout.value) ?? 0) : 0,
		concurrency: fields.concurrency ? readConcurrency(problems, fields.concurrency.value, "pipeline", scope) : null,
		inputs: inputs ?? [],
		outputs: fields.outputs ? readOutputRefs(problems, fields.outputs.value, outputLinks) : {},
		outputLinks,
		drafts: readSteps(problems, fields, paramNames, inputs),
	};
};

/** null when they can't be told. */
const namesIn = (node: TreeNode): string[] | null => (node.kind === "map" ? [...node.fields.keys()] : null);

const refuseForRole = (problems: Problems, fields: Fields<"pipeline">, role: Role): void => {
	if (role === "main") {
		const { inputs } = fields;
		if (inputs) problems.add(inputs.place, "`inputs` are given by a pipeline that uses this file", "submit that one");
		return;
	}
	for (const key of ["timeout", "concurrency", "on_failure"] as const) {
		const field = fields[key];
		if (!field) continue;
		problems.add(
			field.place,
			`\`${key}\` has no meaning in a file that another one uses`,
			"put it into the file that is submitted",
		);
	}
};

const readSteps = (
	problems: Problems,
	fields: Fields<"pipeline">,
	params: readonly string[] | null,
	inputs: readonly string[] | null,
): StepDraft[] => {
	const own = { params, axes: noAxes, step: null };
	const defaultFields = fields.defaults ? readFields(problems, fields.defaults.value, "defaults", "a mapping") : null;
	const defaults = readSettings(problems, defaultFields ?? {}, builtInSettings, own);
	const context: StepContext = { problems, defaults, params, inputs, phase: "main" };
	const main = fields.steps ? readMap(problems, fields.steps.value, "a mapping of steps") : null;
	if (main?.size === 0 && fields.steps) addExpected(problems, fields.steps.value, "at least one step");
	const drafts = [...(main ?? [])].map(([name, field]) => readStep(context, name, field));
	if (inputs !== null) for (const draft of drafts) refuseNameInSub(problems, draft, inputs);
	const later = fields.on_failure ? readMap(problems, fields.on_failure.value, "a mapping of steps") : null;
	if (later && later.size > MAX_ON_FAILURE && fields.on_failure) {
		problems.add(fields.on_failure.place, `more than ${MAX_ON_FAILURE} steps`, "one step can do more than one thing");
	}
	for (const [name, field] of [...(later ?? [])].slice(0, MAX_ON_FAILURE)) {
		const draft = readStep({ ...context, phase: "onFailure" }, name, field);
		checkOnFailure(problems, draft, main);
		drafts.push(draft);
	}
	return drafts;
};

/** In the file that uses it, `a.0` is a cell and `steps.a.outputs` are outputs. */
const refuseNameInSub = (problems: Problems, { place, definition }: StepDraft, inputs: readonly string[]): void => {
	const { name } = definition;
	const isTaken = /^\d+$|^outputs$|^metrics$/.test(name) || (name === INPUTS && inputs.length > 0);
	if (isTaken)
		problems.add(place, `\`${name}\` has another meaning in a file that another one uses`, "choose another name");
};

const checkOnFailure = (problems: Problems, draft: StepDraft, main: Map<string, Field> | null): void => {
	const { place, kind, definition } = draft;
	if (main?.has(definition.name)) {
		problems.add(place, `\`${definition.name}\` is a step under \`steps\` already`, "choose another name");
	}
	if (kind === "pipeline") {
		problems.add(place, "`uses: pipeline` has no meaning in `on_failure`", "write its steps here");
	}
};

const readInputNames = (problems: Problems, node: TreeNode): string[] => {
	const names = listOf(node).flatMap((item) => readName(problems, item, "the name of an input") ?? []);
	return [...new Set(names)];
};
