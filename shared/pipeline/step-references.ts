/** What a step asks of others and of its cell. */

import { referencesIn } from "./condition-syntax.ts";
import type { OutputRef, StepDefinition } from "./definition.ts";
import { placeholders } from "./interpolate.ts";
import type { Reference } from "./reference.ts";

/** In its texts, and in its condition. */
export const referencesOf = ({ action, env, image, condition, concurrency }: StepDefinition): Reference[] => {
	const texts = [concurrency?.group ?? "", image, ...Object.values(env)];
	if (action.kind === "command") texts.unshift(action.command);
	if (action.kind === "approve") texts.unshift(action.message);
	const named = texts.flatMap((text) => placeholders(text).flatMap(({ target }) => target ?? []));
	return condition ? [...named, ...referencesIn(condition.source)] : named;
};

/** Outputs that say the values of its matrix. */
export const matrixSources = ({ matrix }: StepDefinition): OutputRef[] =>
	Object.values(matrix ?? {}).flatMap((axis) => (Array.isArray(axis) ? [] : [axis]));
