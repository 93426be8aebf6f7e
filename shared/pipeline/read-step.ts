/**
 * One step of the pipeline file, by itself. What it says of other steps is kept as links, which link.ts follows
 * once all steps are known.
 */

import { isName } from "../ids.ts";
import type { Gate, OutputRef, StepDefinition } from "./definition.ts";
import type { TemplateScope } from "./expressions.ts";
import { parseGate } from "./gates.ts";
import { type KeyOf, keysOfKind, type StepKind } from "./keys.ts";
import type { Place, Problems } from "./problems.ts";
import { addExpected, type Fields, listOf, readFields, readName } from "./read.ts";
import { type ActionContext, readAction, readKind } from "./read-action.ts";
import { readConcurrency } from "./read-concurrency.ts";
import { readCondition } from "./read-condition.ts";
import { axesOf, readMatrix } from "./read-matrix.ts";
import { readOutputs } from "./read-paths.ts";
import { type Link, type RefContext, readInputs, readRef, refsOf } from "./read-refs.ts";
import { readSubPipeline, type SubPipelineUse } from "./read-sub-pipeline.ts";
import { readSettings, type Settings } from "./settings.ts";
import type { Field, TreeNode } from "./yaml-tree.ts";

export interface StepDraft {
	/** Of its name. */
	place: Place;
	definition: StepDefinition;
	/** null when `run` and `uses` leave it open; a problem says so. */
	kind: StepKind | null;
	links: Link[];
	/** null but for `uses: pipeline`. */
	use: SubPipelineUse | null;
}

export interface StepContext extends RefContext {
	defaults: Settings;
	/** Names of the pipeline's parameters; null when they could not be read. */
	params: readonly string[] | null;
	phase: StepDefinition["phase"];
}

export const readStep = (context: StepContext, name: string, { place, value }: Field): StepDraft => {
	const { problems, phase } = context;
	if (!isName(name)) {
		problems.add(place, `\`${name}\` is no name of a step`, "expected letters, digits, `-` and `_`, at most 63");
	}
	const fields = readFields(problems, value, "step", "a mapping with `run` or `uses`") ?? {};
	const kind = value.kind === "map" ? readKind(problems, place, fields) : null;
	if (kind !== null) refuseForeignKeys(problems, fields, kind);

	const links: Link[] = [];
	const ref = (node: TreeNode): OutputRef => readRef(context, node, links);
	const link = (at: Place, step: string): void => void links.push({ place: at, step, output: null, metric: false });
	const matrix = fields.matrix ? readMatrix(problems, fields.matrix.value, ref) : null;
	const scope: TemplateScope = {
		params: context.params,
		axes: matrix && Object.keys(matrix).length === 0 ? null : axesOf(matrix),
		step: (at, { step, field, name: named }) => {
			links.push({ place: at, step, output: field === "outputs" ? named : null, metric: field === "metrics" });
		},
	};
	if (fields.needs) readNeeds(problems, fields.needs.value, link);
	const action: ActionContext = { problems, scope, ref, link };
	const use = kind === "pipeline" ? readSubPipeline(action, place, fields.with) : null;
	const definition: StepDefinition = {
		name,
		needs: [],
		inputs: fields.inputs ? refsOf(readInputs(problems, fields.inputs.value, ref)) : {},
		matrix,
		condition: fields.if ? readCondition(problems, fields.if.value, scope) : null,
		action: readAction(action, place, kind, fields),
		outputs: fields.outputs ? readOutputs(problems, fields.outputs.value) : {},
		values: [],
		gates: fields.gates ? readGates(problems, fields.gates.value) : [],
		concurrency: fields.concurrency
			? readConcurrency(problems, fields.concurrency.value, "step", { ...scope, step: null })
			: null,
		params: null,
		phase,
		...ofKind(kind, readSettings(problems, fields, context.defaults, scope), fields),
	};
	definition.needs = [...new Set(links.map((each) => each.step))];
	return { place, definition, kind, links, use };
};

/** Defaults that mean nothing to the kind: a person is not given a time limit that was meant for programs. */
const ofKind = (kind: StepKind | null, settings: Settings, fields: Fields<"step">): Settings => ({
	...settings,
	...(kind === "command" ? {} : ofCommands),
	timeoutMs: kind === "approve" && !fields.timeout ? 0 : settings.timeoutMs,
});

/** What only a program has, as one has it that says nothing of it. */
const ofCommands: Pick<Settings, "cache" | "image" | "environment" | "nodes" | "limits"> = {
	cache: null,
	image: "",
	environment: null,
	nodes: 1,
	limits: { cpu: false, memory: false },
};

const refuseForeignKeys = (problems: Problems, fields: Fields<"step">, kind: StepKind): void => {
	for (const [key, { place }] of Object.entries(fields) as [KeyOf<"step">, Field][]) {
		if (keysOfKind[kind].includes(key) || !knownToSteps.has(key)) continue;
		const which = kind === "command" ? "a step with `run`" : `a \`${kind}\` step`;
		problems.add(place, `\`${key}\` has no effect in ${which}`, "remove it");
	}
};

const knownToSteps: ReadonlySet<string> = new Set(Object.values(keysOfKind).flat());

const readNeeds = (problems: Problems, node: TreeNode, link: ActionContext["link"]): void => {
	for (const item of listOf(node)) {
		const step = readName(problems, item, "the name of a step");
		if (step !== null) link(item, step);
	}
};

const readGates = (problems: Problems, node: TreeNode): Gate[] =>
	listOf(node).flatMap((item) => {
		const gate = item.kind === "scalar" ? parseGate(item.text) : null;
		if (gate !== null) return [gate];
		addExpected(
			problems,
			item,
			"`metric operator number`, such as `accuracy >= 0.95`",
			"operators are >= <= > < == !=",
		);
		return [];
	});
