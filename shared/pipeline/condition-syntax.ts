/**
 * The expressions of `if`, from text to a tree of few kinds of node. jsep reads the syntax; all that it knows and this
 * language does not (properties, arrays, arithmetic, …) is refused here. References are taken out before it sees the
 * text, so that names may hold `-` and no property is ever looked up.
 */

import jsep from "jsep";
import { didYouMean } from "./near.ts";
import { shorten } from "./problems.ts";
import { isState, parseReference, REFERENCE, type Reference } from "./reference.ts";

export type StatusFunction = "succeeded" | "failed" | "always";

const comparisons = ["==", "!=", "<", "<=", ">", ">="] as const;
export type Comparison = (typeof comparisons)[number];

export type ConditionNode =
	| { kind: "literal"; value: string | number | boolean | null }
	| { kind: "reference"; reference: Reference }
	| { kind: "status"; name: StatusFunction }
	| { kind: "not" | "negative"; operand: ConditionNode }
	| { kind: "all" | "any"; left: ConditionNode; right: ConditionNode }
	| { kind: "comparison"; operator: Comparison; left: ConditionNode; right: ConditionNode };

export interface ParsedCondition {
	root: ConditionNode;
	references: { at: number; source: string; reference: Reference }[];
	/** It asks how steps ended. */
	statusAware: boolean;
}

/** What is wrong with a condition. */
export class ConditionFault extends Error {
	/** Offset in the source. */
	readonly at: number;
	readonly hint: string;

	constructor(at: number, message: string, hint = "") {
		super(message);
		this.at = at;
		this.hint = hint;
	}
}

export const statusFunctions: readonly StatusFunction[] = ["succeeded", "failed", "always"];

/** Those of people are asked within others, in parentheses: of the pipelines around theirs, of `on_failure`. */
const MAX_PARENTHESES = 128;

/** Throws ConditionFault. */
export const parseCondition = (source: string, maxParentheses = MAX_PARENTHESES): ParsedCondition => {
	const { text, references } = withoutReferences(source, maxParentheses);
	const root = new Builder(text, references).build(parse(text));
	return { root, references, statusAware: asksStatus(root) };
};

interface Scanned {
	/** The source, each reference replaced by `$n` of the same length. */
	text: string;
	references: ParsedCondition["references"];
}

/** Text in quotes. */
export const STRING = /"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'/;
const TOKEN = new RegExp(`${STRING.source}|${REFERENCE.source}|[$;,()]`, "g");

const withoutReferences = (source: string, maxParentheses: number): Scanned => {
	const references: ParsedCondition["references"] = [];
	let depth = 0;
	const text = source.replace(TOKEN, (token, at: number) => {
		if (token === "(" && ++depth > maxParentheses) throw new ConditionFault(at, "too many parentheses in each other");
		if (token === ")") depth--;
		if (token === "$" || token === ";" || token === ",")
			throw new ConditionFault(at, `\`${token}\` has no meaning here`);
		if (token.length === 1 || token.startsWith('"') || token.startsWith("'")) return token;
		const reference = parseReference(token);
		if (reference === null) throw new ConditionFault(at, `\`${token}\` names nothing that is known here`, notNamed);
		references.push({ at, source: token, reference });
		return `$${references.length - 1}`.padEnd(token.length);
	});
	return { text, references };
};

/** What a condition names. */
export const referencesIn = (source: string): Reference[] => {
	const found: Reference[] = [];
	mapReferences(source, (reference) => {
		found.push(reference);
		return "";
	});
	return found;
};

/** The source with its references, those in quotes left alone, as `change` writes them. */
export const mapReferences = (source: string, change: (reference: Reference) => string): string =>
	source.replace(TOKEN, (token) => {
		const reference = /^["'(]/.test(token) ? null : parseReference(token);
		return reference === null ? token : change(reference);
	});

const notNamed =
	"expected params.<name>, matrix.<axis>, steps.<step>.state, steps.<step>.outputs.<output> or steps.<step>.metrics.<metric>";

/** What people write who know another language. */
const otherOperators: Readonly<Record<string, string>> = {
	"===": "==",
	"!==": "!=",
	"|": "||",
	"&": "&&",
	"=": "==",
	and: "&&",
	or: "||",
	not: "!",
};

/** "" for a word that is none of them. */
const otherOperator = (word: string): string =>
	Object.hasOwn(otherOperators, word) ? `did you mean \`${otherOperators[word]}\`?` : "";

const parse = (text: string): jsep.Expression => {
	try {
		return jsep(text);
	} catch (error) {
		const { index = 0, description = "" } = error as { index?: number; description?: string };
		const [word = ""] = /^[^\s\w$"'()]+/.exec(text.slice(index)) ?? [];
		const other = otherOperator(word);
		const message = description === "" ? "can't be read" : description[0]?.toLowerCase() + description.slice(1);
		throw new ConditionFault(Math.min(index, text.length), message, other);
	}
};

/** From jsep's tree, which knows no places, to the language's own. */
class Builder {
	readonly #text: string;
	readonly #references: Scanned["references"];

	constructor(text: string, references: Scanned["references"]) {
		this.#text = text;
		this.#references = references;
	}

	build(node: jsep.Expression): ConditionNode {
		const known = node as jsep.CoreExpression;
		switch (known.type) {
			case "Literal":
				return this.#literal(known);
			case "Identifier":
				return this.#identifier(known);
			case "CallExpression":
				return this.#status(known);
			case "UnaryExpression":
				return this.#unary(known);
			case "BinaryExpression":
				return this.#binary(known);
			case "MemberExpression":
				return this.#refuseMember(known);
			case "Compound":
				return this.#refuseSeveral(known.body);
			default:
				return this.#refuse(refusedKinds[known.type] ?? "", "", "it is no part of a condition");
		}
	}

	#literal({ value, raw }: jsep.Literal): ConditionNode {
		if (value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) {
			return { kind: "literal", value: value as string | number | boolean | null };
		}
		return this.#refuse(raw, "", "it is too large a number");
	}

	#identifier({ name }: jsep.Identifier): ConditionNode {
		const [, index] = /^\$(\d+)$/.exec(name) ?? [];
		const found = this.#references[Number(index)];
		if (found) return { kind: "reference", reference: found.reference };
		const isSpace = name === "params" || name === "matrix" || name === "steps";
		const near = isSpace ? notNamed : otherOperator(name) || didYouMean(name, knownWords) || "text stands in quotes";
		throw new ConditionFault(this.#find(name), `\`${shorten(name)}\` is nothing that is known here`, near);
	}

	#status({ callee, arguments: given }: jsep.CallExpression): ConditionNode {
		const name = callee.type === "Identifier" ? String(callee.name) : "";
		const known = statusFunctions.find((each) => each === name);
		if (known === undefined) {
			const shown = name.startsWith("$") || name === "" ? "what stands before `(`" : `\`${shorten(name)}\``;
			const hint = () => didYouMean(`${name}()`, functionWords) || `known: ${functionWords.join(", ")}`;
			throw new ConditionFault(this.#find(name === "" ? "(" : name), `${shown} is no function`, hint());
		}
		if (given.length > 0)
			throw new ConditionFault(this.#find(known), `${known}() takes nothing between its parentheses`);
		return { kind: "status", name: known };
	}

	#unary({ operator, argument }: jsep.UnaryExpression): ConditionNode {
		if (operator === "!") return { kind: "not", operand: this.build(argument) };
		if (operator === "-") return { kind: "negative", operand: this.build(argument) };
		return this.#refuse(operator, operator, "it is no operator of conditions");
	}

	#binary({ operator, left, right }: jsep.BinaryExpression): ConditionNode {
		const sides = { left: this.build(left), right: this.build(right) };
		if (operator === "&&") return { kind: "all", ...sides };
		if (operator === "||") return { kind: "any", ...sides };
		const comparison = comparisons.find((each) => each === operator);
		if (comparison !== undefined) return { kind: "comparison", operator: comparison, ...sides };
		return this.#refuse(operator, operator, "it is no operator of conditions");
	}

	/** Properties are never looked up; those that may be named are references. */
	#refuseMember({ object, computed }: jsep.MemberExpression): never {
		this.#refuseWord(object);
		return this.#refuse(computed ? "[" : ".", "", "it is no part of a condition");
	}

	#refuseSeveral(nodes: jsep.Expression[]): never {
		for (const node of nodes) this.#refuseWord(node);
		throw new ConditionFault(0, "more than one condition", "join them by `&&` or `||`");
	}

	/** Says it of the word, when the word itself is wrong. */
	#refuseWord(node: jsep.Expression): void {
		if (node.type === "Identifier") this.#identifier(node as jsep.Identifier);
	}

	#refuse(mark: string, operator: string, why: string): never {
		const other = otherOperator(operator);
		throw new ConditionFault(this.#find(mark), `\`${shorten(mark)}\`: ${why}`, other || operatorHint);
	}

	/** The first of its kind; 0 when it stands nowhere by itself. */
	#find(word: string): number {
		return Math.max(0, this.#text.indexOf(word));
	}
}

const functionWords = statusFunctions.map((name) => `${name}()`);
const knownWords = [...functionWords, "params", "matrix", "steps", "true", "false", "null"];
const operatorHint = `operators are ${comparisons.join(" ")} && || !`;

/** By a mark that they have in the text. */
const refusedKinds: Partial<Record<jsep.ExpressionType, string>> = {
	ArrayExpression: "[",
	ConditionalExpression: "?",
	ThisExpression: "this",
};

const asksStatus = (node: ConditionNode): boolean => {
	switch (node.kind) {
		case "status":
			return true;
		case "reference":
			return isState(node.reference);
		case "not":
		case "negative":
			return asksStatus(node.operand);
		case "all":
		case "any":
		case "comparison":
			return asksStatus(node.left) || asksStatus(node.right);
		default:
			return false;
	}
};
