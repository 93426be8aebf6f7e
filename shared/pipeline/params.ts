/** Parameters: what a value must be like, and the values of one run made from defaults and what was given. */

import type { ParamDefinition, ParamType, ParamValue, PipelineDefinition } from "./definition.ts";
import { suggest } from "./near.ts";
import { shorten } from "./problems.ts";

/** A command line holds no longer word on Linux. */
const MAX_TEXT = 128 * 1024;
const MAX_UNKNOWN = 20;

const typeNames: Record<ParamType, string> = {
	string: "text",
	integer: "a whole number",
	number: "a number",
	boolean: "true or false",
};

const isOfType: Record<ParamType, (value: ParamValue) => boolean> = {
	string: (value) => typeof value === "string",
	integer: (value) => Number.isSafeInteger(value),
	number: (value) => Number.isFinite(value),
	boolean: (value) => typeof value === "boolean",
};

/** "" when the parameter may have this value. */
export const complaint = ({ type, min, max, choices }: ParamDefinition, value: ParamValue): string => {
	if (!isOfType[type](value)) return `expected ${typeNames[type]}, found ${typeof value} \`${shorten(String(value))}\``;
	if (typeof value === "string" && value.length > MAX_TEXT) return `longer than ${MAX_TEXT} characters`;
	if (typeof value === "string" && value.includes("\0")) return "holds a NUL character, which no program can be given";
	if (typeof value === "number" && min !== null && value < min) return `expected at least ${min}, found ${value}`;
	if (typeof value === "number" && max !== null && value > max) return `expected at most ${max}, found ${value}`;
	if (choices.length > 0 && !choices.includes(value)) {
		return `expected one of ${choices.join(", ")}, found \`${shorten(String(value))}\``;
	}
	return "";
};

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Text from a command line, by the parameter's type; what can't be read so stays text, and is complained of. */
const readText = (type: ParamType, text: string): ParamValue => {
	if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
	if ((type === "integer" || type === "number") && NUMBER.test(text)) return Number(text);
	return text;
};

export const resolveParams = (
	definition: PipelineDefinition,
	given: Record<string, ParamValue>,
): { params: Record<string, ParamValue>; problems: string[] } => {
	const problems: string[] = [];
	const known = Object.keys(definition.params);
	const unknown = Object.keys(given).filter((name) => !Object.hasOwn(definition.params, name));
	for (const name of unknown.slice(0, MAX_UNKNOWN)) {
		problems.push(`\`${shorten(name)}\` is no parameter of ${definition.name}: ${suggest(name, known)}`);
	}
	if (unknown.length > MAX_UNKNOWN) problems.push(`and ${unknown.length - MAX_UNKNOWN} more unknown parameters`);

	const resolved = Object.entries(definition.params).map(([name, param]): [string, ParamValue] => {
		const raw = Object.hasOwn(given, name) ? given[name] : undefined;
		const value = typeof raw === "string" ? readText(param.type, raw) : (raw ?? param.default);
		const wrong =
			value === null ? `expected ${typeNames[param.type]}: it has no default, give it` : complaint(param, value);
		if (wrong !== "") problems.push(`parameter \`${name}\`: ${wrong}`);
		return [name, value ?? ""];
	});
	return { params: Object.fromEntries(resolved), problems };
};
