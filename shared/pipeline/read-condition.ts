/** `if`: an expression, with or without `${{ }}`, whose names must all be there. */

import { ConditionFault, type ConditionNode, type ParsedCondition, parseCondition } from "./condition-syntax.ts";
import type { Condition } from "./definition.ts";
import { checkReference, type TemplateScope } from "./expressions.ts";
import { OPEN } from "./interpolate.ts";
import { suggest } from "./near.ts";
import type { Place, Problems } from "./problems.ts";
import { addExpected } from "./read.ts";
import { isState } from "./reference.ts";
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
	checkStates(problems, node, parsed.root);
	return { source, statusAware: parsed.statusAware };
};

const STATES = ["succeeded", "failed", "cancelled", "skipped"];

/** A state is one of four words: compared with another, it would be silently false. */
const checkStates = (problems: Problems, node: ScalarNode, condition: ConditionNode): void => {
	switch (condition.kind) {
		case "not":
		case "negative":
			return checkStates(problems, node, condition.operand);
		case "all":
		case "any":
			checkStates(problems, node, condition.left);
			return checkStates(problems, node, condition.right);
		case "comparison": {
			const sides = [condition.left, condition.right];
			if (!sides.some((side) => side.kind === "reference" && isState(side.reference))) return;
			for (const side of sides) {
				if (side.kind !== "literal" || STATES.includes(String(side.value))) continue;
				const word = String(side.value);
				const message = `no step is ever \`${word}\``;
				problems.add(problems.placesOf(word, node)[0] ?? node, message, suggest(word, STATES));
			}
		}
	}
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
