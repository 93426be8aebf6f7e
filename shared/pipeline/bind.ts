/**
 * Parameters of sub-pipelines. What `with.params` gives may hold `${{ params.x }}` of the file that uses it; so may the
 * conditions that a step hands on to its sub-pipeline. They get their values from the next file up, and at submission
 * from the run.
 */

import { STRING } from "./condition-syntax.ts";
import type { ParamValue, PipelineDefinition } from "./definition.ts";
import { interpolate, OPEN, type Placeholder, segments } from "./interpolate.ts";

type Values = Record<string, ParamValue>;

/** The definition with the run's parameters put into those of its sub-pipelines. */
export const bindParams = (definition: PipelineDefinition, params: Values): PipelineDefinition => ({
	...definition,
	steps: definition.steps.map((step) => {
		if (step.params === null) return step;
		const { condition } = step;
		return {
			...step,
			params: bindValues(step.params, params),
			condition: condition && { ...condition, source: bindCondition(condition.source, params, "run") },
		};
	}),
});

export const bindValues = (values: Values, params: Values): Values =>
	Object.fromEntries(Object.entries(values).map(([name, value]) => [name, bindValue(value, params)]));

/** A placeholder alone takes the parameter's value with its type, among text it takes its text. */
const bindValue = (value: ParamValue, params: Values): ParamValue => {
	if (typeof value !== "string" || !value.includes(OPEN)) return value;
	const alone = placeholderAlone(value)?.target;
	const bound = alone?.space === "params" && Object.hasOwn(params, alone.name) ? params[alone.name] : undefined;
	return bound ?? interpolate(value, { params, matrix: {}, steps: () => null });
};

/** null when there is other text beside it, or none. */
export const placeholderAlone = (text: string): Placeholder | null => {
	const [before, placeholder, after, ...rest] = segments(text);
	const isAlone = before === "" && typeof placeholder === "object" && after === "" && rest.length === 0;
	return isAlone ? placeholder : null;
};

const MARK = /\$\{\{ params\.[A-Za-z0-9_-]+ \}\}/;
const STRING_OR_MARK = new RegExp(`${STRING.source}|${MARK.source}`, "g");

/**
 * Each `${{ params.x }}` in a condition becomes the literal of its value; no condition that people write holds one. Values
 * of a file may hold such marks themselves, those of a run are taken as they are.
 */
export const bindCondition = (source: string, params: Values, of: "file" | "run"): string =>
	source.replace(STRING_OR_MARK, (token) => {
		if (!token.includes(OPEN)) return token;
		const text = token.startsWith('"') ? token.slice(1, -1).replace(/\\([\s\S])/g, "$1") : token;
		const value = bindValue(text, params);
		const isMark = of === "file" && typeof value === "string" && placeholderAlone(value) !== null;
		return typeof value === "string" && !isMark ? quote(value) : String(value);
	});

const quote = (text: string): string => `"${text.replace(/[\\"]/g, "\\$&")}"`;
