/** Expressions in a pipeline file: what they name must be there, and a step that they name is a need. */

import { OPEN, type Placeholder, placeholders } from "./interpolate.ts";
import { didYouMean, suggest } from "./near.ts";
import type { Place, Problems } from "./problems.ts";
import { addExpected } from "./read.ts";
import type { Reference } from "./reference.ts";
import type { ScalarNode, TreeNode } from "./yaml-tree.ts";

export type StepReference = Extract<Reference, { space: "steps" }>;

/** What the cells of a matrix step know themselves by. */
export interface Axes {
	/** `axis`, or `axis.key` of an axis of mappings. */
	names: readonly string[];
	/** Axes whose values come from an earlier step: they, or keys of theirs. */
	open: readonly string[];
}

export const noAxes: Axes = { names: [], open: [] };

/** What expressions may name where they stand; null while that can't be known. */
export interface TemplateScope {
	params: readonly string[] | null;
	axes: Axes | null;
	/** Takes a reference to a step; null where none may stand. */
	step: ((place: Place, reference: StepReference) => void) | null;
}

export const checkReference = (
	problems: Problems,
	place: Place,
	reference: Reference,
	{ params, axes, step }: TemplateScope,
): void => {
	if (reference.space === "steps") {
		if (step) step(place, reference);
		else problems.add(place, "a step has no meaning here", "name parameters, `params.<name>`");
		return;
	}
	const { space, name } = reference;
	if (space === "params" ? (params?.includes(name) ?? true) : axes === null || isAxis(axes, name)) return;
	const known = space === "params" ? (params ?? []) : [...(axes?.names ?? []), ...(axes?.open ?? [])];
	const what = space === "params" ? "parameter" : "axis of this step's matrix";
	problems.add(place, `\`${name}\` is no ${what}`, () => suggest(name, known));
};

const isAxis = ({ names, open }: Axes, name: string): boolean =>
	names.includes(name) || open.includes(name.split(".")[0] ?? "");

/** The expressions in a text. */
export const checkTemplate = (problems: Problems, node: ScalarNode, scope: TemplateScope): void => {
	const places = problems.placesOf(OPEN, node);
	for (const [nth, placeholder] of placeholders(node.text).entries()) {
		const place = places[nth] ?? node;
		const { closed, target, source } = placeholder;
		if (!closed) problems.add(place, "`${{` is never closed", "close it with `}}`");
		else if (target === null) problems.add(place, notATarget(source), () => nearTarget(placeholder, scope));
		else checkReference(problems, place, target, scope);
	}
};

/** Text with expressions that must say something; null when it is none. */
export const readTemplate = (
	problems: Problems,
	node: TreeNode,
	scope: TemplateScope,
	{ expected, hint = "", maxLength }: { expected: string; hint?: string; maxLength: number },
): string | null => {
	if (node.kind !== "scalar" || typeof node.value !== "string" || node.text.trim() === "") {
		addExpected(problems, node, expected, hint);
		return null;
	}
	if (node.text.length > maxLength) problems.add(node, `longer than ${maxLength} characters`);
	checkTemplate(problems, node, scope);
	return node.text;
};

const notATarget = (source: string): string =>
	`expected \`\${{ params.<name> }}\`, \`\${{ matrix.<axis> }}\` or \`\${{ steps.<step>.outputs.<output> }}\`, found \`${source.slice(0, 60)}\``;

const nearTarget = ({ source }: Placeholder, { params, axes }: TemplateScope): string =>
	didYouMean(source.slice(OPEN.length, -2).trim(), [
		...(params ?? []).map((name) => `params.${name}`),
		...(axes?.names ?? []).map((name) => `matrix.${name}`),
	]);
