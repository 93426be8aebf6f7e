/** References to outputs, `step.output`: of inputs, of a matrix, of what a file gives. Each links its step to another. */

import { isName } from "../ids.ts";
import { placeholderAlone } from "./bind.ts";
import type { OutputRef } from "./definition.ts";
import { OPEN } from "./interpolate.ts";
import { suggest } from "./near.ts";
import type { Place, Problems } from "./problems.ts";
import { addExpected, readMap, readText } from "./read.ts";
import type { TreeNode } from "./yaml-tree.ts";

/** What one step says of another. */
export interface Link {
	place: Place;
	step: string;
	/** null when only the step is named. */
	output: string | null;
	/** It reads a metric. */
	metric: boolean;
}

/** In references to outputs, what a sub-pipeline is given: `inputs.dataset`. */
export const INPUTS = "inputs";

export interface RefContext {
	problems: Problems;
	/** What a sub-pipeline is given by the step that uses it; null in a file of its own. */
	inputs: readonly string[] | null;
}

const UNREADABLE: OutputRef = { step: "", output: "" };

/** `step.output`, or `inputs.name` in a sub-pipeline. */
export const readRef = ({ problems, inputs }: RefContext, node: TreeNode, links: Link[]): OutputRef => {
	const meant = node.kind === "scalar" ? placeholderAlone(node.text)?.target : undefined;
	if (meant?.space === "steps" && meant.field === "outputs") {
		const hint = `name the output alone: \`${meant.step}.${meant.name}\``;
		problems.add(problems.placesOf(OPEN, node)[0] ?? node, "an expression has no meaning here", hint);
		return UNREADABLE;
	}
	const text = readText(problems, node, "a step's output, `step.output`");
	if (text === null) return UNREADABLE;
	const [step, output, ...rest] = text.split(".");
	if (!step || !output || rest.length > 0 || !isName(step) || !isName(output)) {
		addExpected(problems, node, "a step's output, `step.output`");
		return UNREADABLE;
	}
	if (step !== INPUTS || inputs === null) links.push({ place: node, step, output, metric: false });
	else if (!inputs.includes(output)) {
		problems.add(node, `\`${output}\` is no input of this file`, () => suggest(output, inputs));
	}
	return { step, output };
};

export interface NamedRef {
	/** Of the name. */
	place: Place;
	ref: OutputRef;
}

/** `inputs` of a step or of the file it uses: `{dataset: prepare.dataset}`. */
export const readInputs = (
	problems: Problems,
	node: TreeNode,
	readOne: (node: TreeNode) => OutputRef,
): Map<string, NamedRef> => readNamed(problems, node, "input", "{dataset: prepare.dataset}", readOne);

/** `outputs` of a file: `{model: train.model}`. */
export const readOutputRefs = (problems: Problems, node: TreeNode, links: Link[]): Record<string, OutputRef> => {
	const readOne = (value: TreeNode): OutputRef => readRef({ problems, inputs: null }, value, links);
	return refsOf(readNamed(problems, node, "output", "{model: train.model}", readOne));
};

const readNamed = (
	problems: Problems,
	node: TreeNode,
	what: "input" | "output",
	example: string,
	readOne: (node: TreeNode) => OutputRef,
): Map<string, NamedRef> => {
	const named = new Map<string, NamedRef>();
	for (const [name, { place, value }] of readMap(problems, node, `a mapping such as ${example}`) ?? []) {
		if (!isName(name)) problems.add(place, `\`${name}\` is no name of an ${what}`);
		named.set(name, { place, ref: readOne(value) });
	}
	return named;
};

export const refsOf = (named: ReadonlyMap<string, NamedRef>): Record<string, OutputRef> =>
	Object.fromEntries([...named].map(([name, { ref }]) => [name, ref]));
