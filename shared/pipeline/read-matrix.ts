/** `matrix` of a step: axes with the values they take, or with the earlier output that says them. */

import { isName } from "../ids.ts";
import type { AxisValue, OutputRef, ParamValue, StepDefinition } from "./definition.ts";
import { type Axes, noAxes } from "./expressions.ts";
import type { Problems } from "./problems.ts";
import { addExpected, readScalar } from "./read.ts";
import type { MapNode, TreeNode } from "./yaml-tree.ts";

type Matrix = NonNullable<StepDefinition["matrix"]>;

export const readMatrix = (problems: Problems, node: TreeNode, readRef: (node: TreeNode) => OutputRef): Matrix => {
	const axes: [string, AxisValue[] | OutputRef][] = [];
	if (node.kind !== "map") {
		addExpected(problems, node, "a mapping of axes to lists", "for values from an earlier step: {item: prepare.list}");
		return {};
	}
	const { fields } = node;
	if (fields.size === 0) addExpected(problems, node, "at least one axis", "remove `matrix`");
	for (const [axis, { place, value }] of fields) {
		// A number as key would be moved before the others, and the cells with it.
		if (!isName(axis) || /^\d+$/.test(axis)) {
			problems.add(
				place,
				`\`${axis}\` is no name of an axis`,
				"expected letters, digits, `-` and `_`, and not a number",
			);
		}
		const fromOutput = value.kind === "scalar" && typeof value.value === "string";
		axes.push([axis, fromOutput ? readRef(value) : readAxis(problems, value)]);
	}
	return Object.fromEntries(axes);
};

/** What expressions call the values of its cells. */
export const axesOf = (matrix: StepDefinition["matrix"]): Axes => {
	if (matrix === null) return noAxes;
	const names = Object.entries(matrix).flatMap(([axis, values]) => {
		if (!Array.isArray(values)) return [];
		const [first] = values;
		return typeof first === "object" ? Object.keys(first).map((key) => `${axis}.${key}`) : [axis];
	});
	const open = Object.entries(matrix).flatMap(([axis, values]) => (Array.isArray(values) ? [] : [axis]));
	return { names, open };
};

const readAxis = (problems: Problems, node: TreeNode): AxisValue[] => {
	if (node.kind !== "list" || node.items.length === 0) {
		const hint = "or an earlier step's output that holds a JSON list, `step.output`";
		addExpected(problems, node, "a list of at least one value", hint);
		return [];
	}
	const values: AxisValue[] = [];
	const seen = new Set<string>();
	const [first] = node.items;
	for (const item of node.items) {
		const value = item.kind === "map" ? readMapping(problems, item) : readScalar(problems, item);
		if (value === null) continue;
		if (first && keysOf(item) !== keysOf(first)) {
			problems.add(item, "has other keys than the first value of the axis", "give each value the same keys");
		}
		const text = typeof value === "object" ? JSON.stringify(value) : String(value);
		if (seen.has(text)) problems.add(item, `\`${text}\` is given twice`, "remove one of them");
		seen.add(text);
		values.push(value);
	}
	return values;
};

const keysOf = (node: TreeNode): string => (node.kind === "map" ? [...node.fields.keys()].sort().join() : "");

const readMapping = (problems: Problems, node: MapNode): Record<string, ParamValue> => {
	if (node.fields.size === 0) addExpected(problems, node, "a mapping of at least one key");
	const entries: [string, ParamValue][] = [];
	for (const [key, { place, value }] of node.fields) {
		if (!isName(key)) problems.add(place, `\`${key}\` is no key of an axis`, "expected letters, digits, `-` and `_`");
		const read = readScalar(problems, value);
		if (read !== null) entries.push([key, read]);
	}
	return Object.fromEntries(entries);
};
