/** `if`: an expression, with or without `${{ }}`, whose names must all be there. */

import { ConditionFault, type ParsedCondition, parseCondition } from "./condition-syntax.ts";
import type { Condition } from "./definition.ts";
import { checkReference, type TemplateScope } from "./expressions.ts";
import { OPEN } from "./interpolate.ts";
import type { Place, Problems } from "./problems.ts";
import { addExpected } from "./read.ts";
import type { ScalarNode, TreeNode } from "./yaml-tree.ts";

const MAX_LENGTH = 2000;
/** As deep as a person nests. */
const MAX_PARENTHESES = 32;

/** null when it can't be read; the problems say why. */
export const readCondition = (problems: Problems, node: TreeNode, scope: TemplateScope): Condition | null => {
	if (node.kind !== "scalar" || node.value === null || node.text.trim() === "") {
		addExpected(problems, node, "a condition, such as `params.full` or `steps.check.metrics.accuracy >= 0.9`");
		return null;
	}
	const source = withoutBraces(node.text.trim());
	if (source.length > MAX_LENGTH) {
		problems.add(node, `longer than ${MAX_LENGTH} characters`, "let a step write its verdict into an output");
		return null;
	}
	if (source.includes(OPEN)) {
		const place = problems.placesOf(OPEN, node).at(-1) ?? node;
		problems.add(
			place,
			`\`\${{ }}\` may only stand around the whole condition`,
			"name things without it, `params.<name>`",
		);
		return null;
	}
	const parsed = parse(problems, node, source);
	if (parsed === null) return null;
	for (const { at, source: name, reference } of parsed.references) {
		checkReference(problems, placeIn(problems, node, source, at, name), reference, scope);
	}
	return { source, statusAware: parsed.statusAware };
};

const withoutBraces = (text: string): string =>
	text.startsWith(OPEN) && text.endsWith("}}") ? text.slice(OPEN.length, -2).trim() : text;

const parse = (problems: Problems, node: ScalarNode, source: string): ParsedCondition | null => {
	try {
		return parseCondition(source, MAX_PARENTHESES);
	} catch (fault) {
		if (!(fault instanceof ConditionFault)) throw fault;
		const word = /^[A-Za-z0-9_.$-]+|^./.exec(source.slice(fault.at))?.[0] ?? "";
		problems.add(placeIn(problems, node, source, fault.at, word), fault.message, fault.hint);
		return null;
	}
};

/** Where `word`, which stands at an offset of the condition, stands in the file: quotes and folds move it there. */
const placeIn = (problems: Problems, node: ScalarNode, source: string, at: number, word: string): Place => {
	if (word === "") return node;
	const before = source.slice(0, at).split(word).length - 1;
	return problems.placesOf(word, node)[before] ?? node;
};
