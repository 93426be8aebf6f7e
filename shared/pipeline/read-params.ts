/** The `params` of a pipeline file: `epochs: 40`, or `epochs: {type, default, min, max, choices, description}`. */

import { isName } from "../ids.ts";
import type { ParamDefinition, ParamType, ParamValue } from "./definition.ts";
import { complaint } from "./params.ts";
import type { Problems } from "./problems.ts";
import { addExpected, isFraction, nameRule, readFields, readMap, readOneOf, readScalar, readText } from "./read.ts";
import type { Field, TreeNode } from "./yaml-tree.ts";

const types: readonly ParamType[] = ["string", "integer", "number", "boolean"];

export const readParams = (problems: Problems, node: TreeNode): Record<string, ParamDefinition> => {
	const params: [string, ParamDefinition][] = [];
	for (const [name, { place, value }] of readMap(problems, node, "a mapping of parameters") ?? []) {
		if (!isName(name)) problems.add(place, `\`${name}\` is no name of a parameter`, `expected ${nameRule}`);
		const param = value.kind === "map" ? readLong(problems, value) : readShort(problems, value);
		if (param !== null) params.push([name, param]);
	}
	return Object.fromEntries(params);
};

const typeOf = (value: ParamValue, text: string): ParamType => {
	if (typeof value !== "number") return typeof value === "string" ? "string" : "boolean";
	return isFraction(text) ? "number" : "integer";
};

const readShort = (problems: Problems, node: TreeNode): ParamDefinition | null => {
	if (node.kind !== "scalar" || node.value === null) {
		addExpected(problems, node, "a default value, or a mapping with `type`");
		return null;
	}
	const value = readScalar(problems, node);
	if (value === null) return null;
	return { type: typeOf(value, node.text), default: value, min: null, max: null, choices: [], description: "" };
};

const readLong = (problems: Problems, node: TreeNode): ParamDefinition | null => {
	const fields = readFields(problems, node, "param", "a mapping");
	if (fields === null) return null;
	const value = fields.default ? readScalar(problems, fields.default.value) : null;
	const type = readType(problems, node, fields.type, fields.default, value);
	if (type === null) return null;

	const bounds = { min: readBound(problems, fields.min, type), max: readBound(problems, fields.max, type) };
	if (fields.max && bounds.min !== null && bounds.max !== null && bounds.min > bounds.max) {
		problems.add(fields.max.value, `expected at least \`min\`, ${bounds.min}, found ${bounds.max}`);
		return null;
	}
	const description = fields.description ? (readText(problems, fields.description.value, "a description") ?? "") : "";
	const open: ParamDefinition = { type, default: null, ...bounds, choices: [], description };
	const param = { ...open, choices: fields.choices ? readChoices(problems, fields.choices.value, open) : [] };
	const wrong = value === null ? "" : complaint(param, value);
	if (wrong !== "" && fields.default) problems.add(fields.default.value, wrong);
	return { ...param, default: value };
};

const readType = (
	problems: Problems,
	node: TreeNode,
	type: Field | undefined,
	byDefault: Field | undefined,
	value: ParamValue | null,
): ParamType | null => {
	if (type) return readOneOf(problems, type.value, types);
	if (value !== null && byDefault?.value.kind === "scalar") return typeOf(value, byDefault.value.text);
	if (!byDefault) problems.add(node, "expected `type` or `default`", `types are ${types.join(", ")}`);
	return null;
};

const readBound = (problems: Problems, field: Field | undefined, type: ParamType): number | null => {
	if (!field) return null;
	const { place, value: node } = field;
	if (type !== "integer" && type !== "number") {
		problems.add(place, `\`${place.path.split(".").at(-1)}\` has no meaning for type ${type}`);
		return null;
	}
	const value = node.kind === "scalar" ? node.value : null;
	if (typeof value === "number" && Number.isFinite(value)) return value;
	addExpected(problems, node, "a number");
	return null;
};

const readChoices = (problems: Problems, node: TreeNode, param: ParamDefinition): ParamValue[] => {
	if (node.kind !== "list" || node.items.length === 0) {
		addExpected(problems, node, "a list of at least one value");
		return [];
	}
	const choices: ParamValue[] = [];
	for (const item of node.items) {
		const value = readScalar(problems, item);
		if (value === null) continue;
		const wrong = choices.includes(value) ? `\`${value}\` is given twice` : complaint(param, value);
		if (wrong === "") choices.push(value);
		else problems.add(item, wrong);
	}
	return choices;
};
