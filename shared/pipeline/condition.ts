/**
 * Conditions of `if`, asked: pure, and without a way to fail. What can't be compared is not so, what was not reported
 * is null.
 */

import { type Comparison, type ConditionNode, parseCondition, type StatusFunction } from "./condition-syntax.ts";
import { shorten } from "./problems.ts";
import { formatReference, type Reference } from "./reference.ts";
import { lookUp, type Scope } from "./scope.ts";

/** A step's scope, and how its needs ended: all succeeded, any failed. */
export type ConditionScope = Scope & { succeeded: boolean; failed: boolean };

export interface Answer {
	held: boolean;
	/** The facts it went by: "steps.check.metrics.accuracy is 0.93". */
	found: string;
}

export const evaluateCondition = (source: string, scope: ConditionScope): Answer => {
	const facts = new Map<string, string>();
	try {
		const held = isTrue(evaluate(parseCondition(source).root, scope, facts));
		return { held, found: [...facts.values()].join(", ") || `it says \`${shorten(source)}\`` };
	} catch (error) {
		// Accepted conditions can be read; one that a journal brings from elsewhere need not be.
		return { held: false, found: `it can't be read: ${error instanceof Error ? error.message : String(error)}` };
	}
};

type Facts = Map<string, string>;

const evaluate = (node: ConditionNode, scope: ConditionScope, facts: Facts): unknown => {
	switch (node.kind) {
		case "literal":
			return node.value;
		case "reference":
			return ofReference(node.reference, scope, facts);
		case "status":
			return ofStatus(node.name, scope, facts);
		case "not":
			return !isTrue(evaluate(node.operand, scope, facts));
		case "negative": {
			const value = evaluate(node.operand, scope, facts);
			return typeof value === "number" ? -value : null;
		}
		case "all":
			return isTrue(evaluate(node.left, scope, facts)) && isTrue(evaluate(node.right, scope, facts));
		case "any":
			return isTrue(evaluate(node.left, scope, facts)) || isTrue(evaluate(node.right, scope, facts));
		case "comparison":
			return compare[node.operator](evaluate(node.left, scope, facts), evaluate(node.right, scope, facts));
	}
};

const ofReference = (reference: Reference, scope: ConditionScope, facts: Facts): unknown => {
	const value = lookUp(scope, reference) ?? null;
	const name = formatReference(reference);
	facts.set(name, `${name} is ${value === null ? absent(reference) : shown(value)}`);
	return value;
};

const absent = (reference: Reference): string =>
	reference.space === "steps" && reference.field === "metrics" ? "not reported" : "null";

const shown = (value: unknown): string => shorten(JSON.stringify(value));

const ofStatus = (name: StatusFunction, scope: ConditionScope, facts: Facts): boolean => {
	const value = name === "always" || scope[name];
	if (name !== "always") facts.set(name, `${name}() is ${value}`);
	return value;
};

/** All but false, null, 0 and empty text. */
const isTrue = (value: unknown): boolean => Boolean(value);

const ordered =
	(holds: (order: number) => boolean) =>
	(left: unknown, right: unknown): boolean => {
		if (typeof left === "number" && typeof right === "number") return holds(left - right);
		if (typeof left !== "string" || typeof right !== "string") return false;
		return holds(left < right ? -1 : left > right ? 1 : 0);
	};

/** Lists and mappings equal nothing. */
const isScalar = (value: unknown): boolean => value === null || typeof value !== "object";
const equal = (left: unknown, right: unknown): boolean => isScalar(left) && left === right;

const compare: Record<Comparison, (left: unknown, right: unknown) => boolean> = {
	"==": equal,
	"!=": (left, right) => !equal(left, right),
	"<": ordered((order) => order < 0),
	"<=": ordered((order) => order <= 0),
	">": ordered((order) => order > 0),
	">=": ordered((order) => order >= 0),
};
