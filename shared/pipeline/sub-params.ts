/** What a step gives to the parameters of a sub-pipeline: literals, or parameters of its own file handed on. */

import { placeholderAlone } from "./bind.ts";
import type { ParamDefinition } from "./definition.ts";
import { OPEN } from "./interpolate.ts";
import { suggest } from "./near.ts";
import { complaint } from "./params.ts";
import type { Place, Problems } from "./problems.ts";
import type { FileDraft } from "./read-file.ts";
import type { StepDraft } from "./read-step.ts";
import type { SubPipelineUse } from "./read-sub-pipeline.ts";

/** A parameter that is handed on may from now on only be what the sub-pipeline takes. */
export const checkParams = (file: FileDraft, draft: StepDraft, use: SubPipelineUse, inner: FileDraft): void => {
	const { problems } = file;
	for (const [name, { place, value }] of use.params) {
		const taken = Object.hasOwn(inner.params, name) ? inner.params[name] : undefined;
		if (taken === undefined) {
			const known = Object.keys(inner.params);
			problems.add(place, `${use.file.name} has no parameter \`${name}\``, () => suggest(name, known));
		} else if (typeof value === "string" && value.includes(OPEN)) {
			const target = placeholderAlone(value)?.target;
			if (target?.space === "params") handOn(file, place, target.name, name, taken);
			else checkText(problems, place, taken);
		} else {
			const wrong = complaint(taken, value);
			if (wrong !== "") problems.add(place, `\`${name}\` of ${use.file.name}: ${wrong}`);
		}
	}
	for (const [name, { default: byDefault }] of Object.entries(inner.params)) {
		if (byDefault !== null || use.params.has(name)) continue;
		problems.add(draft.place, `${use.file.name} wants the parameter \`${name}\``, "give it under `with.params`");
	}
};

const checkText = (problems: Problems, place: Place, { type, choices }: ParamDefinition): void => {
	if (type !== "string") problems.add(place, `expected type ${type}, found text with expressions in it`);
	else if (choices.length > 0) {
		const hint = `give one of them, or a parameter alone, \`\${{ params.<name> }}\``;
		problems.add(place, `expected one of ${choices.join(", ")}, found text with expressions in it`, hint);
	}
};

const handOn = (
	{ problems, params }: FileDraft,
	place: Place,
	outerName: string,
	name: string,
	taken: ParamDefinition,
): void => {
	const outer = Object.hasOwn(params, outerName) ? params[outerName] : undefined;
	if (outer === undefined) return;
	const fits = outer.type === taken.type || (outer.type === "integer" && taken.type === "number");
	if (!fits) return problems.add(place, `expected type ${taken.type}, but \`${outerName}\` is of type ${outer.type}`);
	const both = narrow(outer, taken);
	const isEmpty = (outer.choices.length > 0 && both.choices.length === 0 && taken.choices.length > 0) || crossed(both);
	const wrong = outer.default === null ? "" : complaint(both, outer.default);
	if (isEmpty) problems.add(place, `no value of \`${outerName}\` is one that \`${name}\` takes`);
	else if (wrong !== "")
		problems.add(place, `the default of \`${outerName}\` is none that \`${name}\` takes: ${wrong}`);
	else params[outerName] = both;
};

const crossed = ({ min, max }: ParamDefinition): boolean => min !== null && max !== null && min > max;

const narrow = (outer: ParamDefinition, { min, max, choices }: ParamDefinition): ParamDefinition => ({
	...outer,
	min: outer.min === null || min === null ? (outer.min ?? min) : Math.max(outer.min, min),
	max: outer.max === null || max === null ? (outer.max ?? max) : Math.min(outer.max, max),
	choices:
		outer.choices.length === 0 || choices.length === 0
			? [...outer.choices, ...choices]
			: outer.choices.filter((choice) => choices.includes(choice)),
});
