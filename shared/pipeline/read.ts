/** Readers of single values of the pipeline file. Each adds a problem and gives null where it can't read. */

import { isName } from "../ids.ts";
import type { ParamValue } from "./definition.ts";
import { OPEN } from "./interpolate.ts";
import { type KeyedMap, type KeyOf, keys, otherNames } from "./keys.ts";
import { didYouMean } from "./near.ts";
import type { Problems } from "./problems.ts";
import { parseDuration } from "./units.ts";
import { refusal, unsupportedIn, unsupportedKeys } from "./unsupported.ts";
import type { Field, ScalarNode, TreeNode } from "./yaml-tree.ts";

/** "`40`", "a list", … for messages. */
export const describe = (node: TreeNode): string => {
	if (node.kind === "list") return node.items.length > 0 ? "a list" : "an empty list";
	if (node.kind === "map") return node.fields.size > 0 ? "a mapping" : "an empty mapping";
	if (node.value === null) return "nothing";
	const text = node.text.length > 60 ? `${node.text.slice(0, 60)}…` : node.text;
	return text === "" ? "empty text" : `\`${text}\``;
};

export const addExpected = (problems: Problems, node: TreeNode, expected: string, hint: string | (() => string) = "") =>
	problems.add(node, `expected ${expected}, found ${describe(node)}`, hint);

export const readMap = (problems: Problems, node: TreeNode, expected: string): Map<string, Field> | null => {
	if (node.kind === "map") return node.fields;
	addExpected(problems, node, expected);
	return null;
};

export type Fields<M extends KeyedMap> = Partial<Record<KeyOf<M>, Field>>;

/**
 * A mapping whose keys are known, or `isFree`. Others are refused: by name when runmesh may carry them out one day.
 */
export const readFields = <M extends KeyedMap>(
	problems: Problems,
	node: TreeNode,
	map: M,
	expected: string,
	isFree: (key: string) => boolean = () => false,
): Fields<M> | null => {
	const fields = readMap(problems, node, expected);
	if (fields === null) return null;
	const known: readonly string[] = keys[map];
	const unsupported = unsupportedIn(map);
	for (const [key, { place, value }] of fields) {
		if (known.includes(key) || isFree(key)) continue;
		if (!unsupported.includes(key)) {
			problems.add(place, `\`${key}\` is no key here`, () => elsewhere(key, map, [...known, ...unsupported]));
			continue;
		}
		const { off, instead } = unsupportedKeys[key] ?? {};
		const asksNothing = off !== undefined && value.kind === "scalar" && value.value === off;
		if (!asksNothing) problems.add(place, refusal(`\`${key}\``), instead);
	}
	return Object.fromEntries(fields) as Fields<M>;
};

const elsewhere = (key: string, map: KeyedMap, known: readonly string[]): string => {
	const other = Object.hasOwn(otherNames, key) ? otherNames[key] : undefined;
	if (other !== undefined && known.includes(other)) return `did you mean \`${other}\`?`;
	const near = didYouMean(key, known);
	if (near !== "") return near;
	if (map === "pipeline" && (keys.defaults as readonly string[]).includes(key)) return "put it under `defaults`";
	if (map !== "pipeline" && (keys.pipeline as readonly string[]).includes(key))
		return "it stands at the top of the file";
	if (map !== "step" && (keys.step as readonly string[]).includes(key)) return "it belongs to a step";
	return `expected one of ${keys[map].join(", ")}`;
};

/** Text that says something. Expressions have no meaning in it. */
export const readText = (problems: Problems, node: TreeNode, expected: string): string | null => {
	if (node.kind !== "scalar" || typeof node.value !== "string" || node.value.trim() === "") {
		const quote = node.kind === "scalar" && node.text !== "" ? "quote it to make it text" : "";
		addExpected(problems, node, expected, quote);
		return null;
	}
	return refuseExpressions(problems, node) ? null : node.value;
};

const refuseExpressions = (problems: Problems, node: ScalarNode): boolean => {
	if (!node.text.includes(OPEN)) return false;
	problems.add(
		problems.placesOf(OPEN, node)[0] ?? node,
		"an expression has no meaning here",
		"it is read in `run`, `env`, `image`, `message` and `group`",
	);
	return true;
};

export const nameRule = "letters, digits, `-` and `_`, at most 63, the first a letter or digit";

export const readName = (problems: Problems, node: TreeNode, expected: string): string | null => {
	const text = readText(problems, node, `${expected}: ${nameRule}`);
	if (text === null || isName(text)) return text;
	addExpected(problems, node, `${expected}: ${nameRule}`);
	return null;
};

export const readOneOf = <W extends string>(problems: Problems, node: TreeNode, words: readonly W[]): W | null => {
	const word = node.kind === "scalar" ? words.find((each) => each === node.text) : undefined;
	if (word !== undefined) return word;
	addExpected(problems, node, `one of ${words.join(", ")}`, () =>
		node.kind === "scalar" ? didYouMean(node.text, words) : "",
	);
	return null;
};

export const readInteger = (problems: Problems, node: TreeNode, min: number, max: number): number | null => {
	const value = node.kind === "scalar" ? node.value : null;
	if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
	addExpected(problems, node, `a whole number from ${min} to ${max}`);
	return null;
};

/** Text or a number, by one of the parsers in units.ts. */
export const readUnit = <T>(
	problems: Problems,
	node: TreeNode,
	parse: (text: string) => T | null,
	expected: string,
): T | null => {
	const value = node.kind === "scalar" && node.value !== null ? parse(node.text.trim()) : null;
	if (value === null) addExpected(problems, node, expected);
	return value;
};

export const readDuration = (problems: Problems, node: TreeNode): number | null =>
	readUnit(problems, node, parseDuration, "a duration up to 365d, such as 500ms, 10s, 30m or 2h");

/** Text, number or boolean, as typed in the file. */
export const readScalar = (problems: Problems, node: TreeNode): ParamValue | null => {
	if (node.kind !== "scalar" || node.value === null) {
		addExpected(problems, node, "text, a number, true or false");
		return null;
	}
	if (typeof node.value === "number" && !isExact(node)) {
		addExpected(problems, node, "a number that can be held exactly", "quote it to make it text");
		return null;
	}
	return refuseExpressions(problems, node) ? null : node.value;
};

const isExact = ({ value, text }: ScalarNode): boolean =>
	Number.isFinite(value) && (isFraction(text) || Number.isSafeInteger(value));

/** Written as a fraction, "1.0" counts as one. */
export const isFraction = (text: string): boolean => /^[+-]?[\d.]*[.eE]/.test(text);

/** A list, or one item alone. */
export const listOf = (node: TreeNode): TreeNode[] => (node.kind === "list" ? node.items : [node]);
