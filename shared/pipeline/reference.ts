/** What an expression may name: `params.epochs`, `matrix.lr`, `steps.train.outputs.model`. */

export type Reference =
	/** A cell's value of an axis of mappings is `axis.key`. */
	| { space: "params" | "matrix"; name: string }
	| { space: "steps"; step: string; field: "state"; name: "" }
	| { space: "steps"; step: string; field: "outputs" | "metrics"; name: string };

/** Where a reference stands in longer text. */
export const REFERENCE = /\b(?:params|matrix|steps)(?:\.[A-Za-z0-9_/-]+)+/;

const WORD = "[A-Za-z0-9_-]+";
const OF_CELL = new RegExp(`^(?:(params)\\.(${WORD})|(matrix)\\.(${WORD}(?:\\.${WORD})?))$`);
/** A step of a sub-pipeline is `step.substep`, and none of them is called `outputs` or `metrics`. */
const OF_STEP = new RegExp(
	`^steps\\.(${WORD}(?:\\.(?!(?:outputs|metrics)\\.)${WORD})*?)\\.(?:(state)|(outputs)\\.(${WORD})|(metrics)\\.([A-Za-z0-9_./-]+))$`,
);

/** null when it is none of them. */
export const parseReference = (text: string): Reference | null => {
	const [, params, param, matrix, axis] = OF_CELL.exec(text) ?? [];
	if (params && param) return { space: "params", name: param };
	if (matrix && axis) return { space: "matrix", name: axis };
	const [, step, state, outputs, output, metrics, metric] = OF_STEP.exec(text) ?? [];
	if (step && state) return { space: "steps", step, field: "state", name: "" };
	if (step && outputs && output) return { space: "steps", step, field: "outputs", name: output };
	if (step && metrics && metric) return { space: "steps", step, field: "metrics", name: metric };
	return null;
};

/** It asks how a step ended. */
export const isState = (reference: Reference): boolean => reference.space === "steps" && reference.field === "state";

export const formatReference = (reference: Reference): string => {
	if (reference.space !== "steps") return `${reference.space}.${reference.name}`;
	const { step, field, name } = reference;
	return field === "state" ? `steps.${step}.state` : `steps.${step}.${field}.${name}`;
};
