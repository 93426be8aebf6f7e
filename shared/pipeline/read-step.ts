/**
 * One step of the pipeline file, by itself. What it says of other steps is kept as links, which link.ts follows
 * once all steps are known.
 */

import { isName } from "../ids.ts";
import type { Gate, OutputRef, ParamValue, StepDefinition } from "./definition.ts";
import { parseGate } from "./gates.ts";
import { type KeyOf, keysOfKind, type StepKind } from "./keys.ts";
import type { Place, Problems } from "./problems.ts";
import {
	addExpected,
	type Fields,
	listOf,
	readFields,
	readMap,
	readName,
	readScalar,
	readText,
	type TemplateScope,
} from "./read.ts";
import { type ActionContext, readAction, readKind } from "./read-action.ts";
import { readOutputs } from "./read-paths.ts";
import { readSettings, type Settings } from "./settings.ts";
import { refusal } from "./unsupported.ts";
import type { Field, TreeNode } from "./yaml-tree.ts";

/** What one step says of another. */
export interface Link {
	place: Place;
	step: string;
	/** null when only the step is named. */
	output: string | null;
}

export interface StepDraft {
	/** Of its name. */
	place: Place;
	definition: StepDefinition;
	/** null when `run` and `uses` leave it open; a problem says so. */
	kind: StepKind | null;
	links: Link[];
}

export interface StepContext {
	problems: Problems;
	defaults: Settings;
	/** Names of the pipeline's parameters; null when they could not be read. */
	params: readonly string[] | null;
}

export const readStep = (context: StepContext, name: string, { place, value }: Field): StepDraft => {
	const { problems } = context;
	if (!isName(name)) {
		problems.add(place, `\`${name}\` is no name of a step`, "expected letters, digits, `-` and `_`, at most 63");
	}
	const fields = readFields(problems, value, "step", "a mapping with `run` or `uses`") ?? {};
	const kind = value.kind === "map" ? readKind(problems, place, fields) : null;
	if (kind !== null) refuseForeignKeys(problems, fields, kind);

	const links: Link[] = [];
	const matrix = fields.matrix ? readMatrix(problems, fields.matrix.value) : null;
	const scope: TemplateScope = { params: context.params, axes: axesOf(fields.matrix, matrix) };
	const action: ActionContext = {
		problems,
		scope,
		ref: (node) => readRef(problems, node, links),
		link: (node, step) => void links.push({ place: node, step, output: null }),
	};
	if (fields.needs) readNeeds(problems, fields.needs.value, links);
	const definition: StepDefinition = {
		name,
		needs: [],
		inputs: fields.inputs ? readInputs(problems, fields.inputs.value, links) : {},
		matrix,
		action: readAction(action, place, kind, fields),
		outputs: fields.outputs ? readOutputs(problems, fields.outputs.value) : {},
		gates: fields.gates ? readGates(problems, fields.gates.value) : [],
		...readSettings(problems, fields, context.defaults, scope),
	};
	definition.needs = [...new Set(links.map((link) => link.step))];
	return { place, definition, kind, links };
};

const axesOf = (field: Field | undefined, matrix: StepDefinition["matrix"]): string[] | null => {
	if (field === undefined) return [];
	return matrix === null ? null : Object.keys(matrix);
};

const refuseForeignKeys = (problems: Problems, fields: Fields<"step">, kind: StepKind): void => {
	for (const [key, { place }] of Object.entries(fields) as [KeyOf<"step">, Field][]) {
		if (keysOfKind[kind].includes(key) || !knownToSteps.has(key)) continue;
		const which = kind === "command" ? "a step with `run`" : `a \`${kind}\` step`;
		problems.add(place, `\`${key}\` has no effect in ${which}`, "remove it");
	}
};

const knownToSteps: ReadonlySet<string> = new Set(Object.values(keysOfKind).flat());

const readNeeds = (problems: Problems, node: TreeNode, links: Link[]): void => {
	for (const item of listOf(node)) {
		const step = readName(problems, item, "the name of a step");
		if (step !== null) links.push({ place: item, step, output: null });
	}
};

const readInputs = (problems: Problems, node: TreeNode, links: Link[]): Record<string, OutputRef> => {
	const inputs: [string, OutputRef][] = [];
	for (const [name, { place, value }] of readMap(problems, node, "a mapping such as {dataset: prepare.dataset}") ??
		[]) {
		if (!isName(name)) problems.add(place, `\`${name}\` is no name of an input`);
		inputs.push([name, readRef(problems, value, links)]);
	}
	return Object.fromEntries(inputs);
};

const UNREADABLE: OutputRef = { step: "", output: "" };

const readRef = (problems: Problems, node: TreeNode, links: Link[]): OutputRef => {
	const text = readText(problems, node, "a step's output, `step.output`");
	if (text === null) return UNREADABLE;
	const [step, output, ...rest] = text.split(".");
	if (!step || !output || rest.length > 0 || !isName(step) || !isName(output)) {
		addExpected(problems, node, "a step's output, `step.output`");
		return UNREADABLE;
	}
	links.push({ place: node, step, output });
	return { step, output };
};

const readMatrix = (problems: Problems, node: TreeNode): Record<string, ParamValue[]> | null => {
	if (node.kind === "scalar" && node.value !== null) return refuseDynamicMatrix(problems, node);
	const axes: [string, ParamValue[]][] = [];
	const fields = readMap(problems, node, "a mapping of axes to lists") ?? new Map<string, Field>();
	if (node.kind === "map" && fields.size === 0) addExpected(problems, node, "at least one axis", "remove `matrix`");
	for (const [axis, { place, value }] of fields) {
		// A number as key would be moved before the others, and the cells with it.
		if (!isName(axis) || /^\d+$/.test(axis)) {
			problems.add(
				place,
				`\`${axis}\` is no name of an axis`,
				"expected letters, digits, `-` and `_`, and not a number",
			);
		}
		axes.push([axis, readAxis(problems, value)]);
	}
	return Object.fromEntries(axes);
};

const refuseDynamicMatrix = (problems: Problems, node: TreeNode): null => {
	problems.add(node, refusal("a matrix from an earlier step's output"), "write the values into the file");
	return null;
};

const readAxis = (problems: Problems, node: TreeNode): ParamValue[] => {
	if (node.kind === "scalar" && /^[\w-]+\.[\w-]+$|\$\{\{/.test(node.text) && typeof node.value === "string") {
		refuseDynamicMatrix(problems, node);
		return [];
	}
	if (node.kind !== "list" || node.items.length === 0) {
		addExpected(problems, node, "a list of at least one value");
		return [];
	}
	const values: ParamValue[] = [];
	const seen = new Set<string>();
	for (const item of node.items) {
		const value = readScalar(problems, item);
		if (value === null) continue;
		if (seen.has(String(value))) problems.add(item, `\`${value}\` is given twice`, "remove one of them");
		seen.add(String(value));
		values.push(value);
	}
	return values;
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
