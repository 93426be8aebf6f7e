/** Steps to the cells that run: a step without a matrix is one, a matrix makes one for each combination. */

import { isName, type StepKey } from "../ids.ts";
import type { AxisValue, OutputRef, ParamValue, PipelineDefinition, StepDefinition } from "./definition.ts";
import { formatReference } from "./reference.ts";
import { matrixSources, referencesOf } from "./step-references.ts";

export interface StepCell {
	key: StepKey;
	/** Of the cell in its step; 0 without a matrix. */
	index: number;
	definition: StepDefinition;
	/** The cell's value on each axis, of an axis of mappings as `axis.key`; {} without a matrix. */
	matrix: Record<string, ParamValue>;
}

export const MAX_CELLS = 10_000;

/** In the order of the file. A step whose matrix comes from an earlier one is one cell until then. */
export const expandSteps = ({ steps }: PipelineDefinition): StepCell[] =>
	steps.flatMap((definition): StepCell[] => {
		const axes = staticAxes(definition);
		if (axes === null) return [{ key: definition.name as StepKey, index: 0, definition, matrix: {} }];
		return cellsOf(definition, combinations(axes));
	});

/** Its cells are known only when an earlier step has succeeded. */
export const isDynamic = (step: StepDefinition): boolean => matrixSources(step).length > 0;

/** As far as it is known before the run. */
export const cellCount = (step: StepDefinition): number => (staticAxes(step) ?? []).reduce(timesLength, 1);

export const cellsOf = (definition: StepDefinition, cells: readonly Record<string, ParamValue>[]): StepCell[] =>
	cells.map((matrix, index) => ({ key: `${definition.name}.${index}` as StepKey, index, definition, matrix }));

/** The cells of a dynamic matrix, once its sources have succeeded. */
export const expandMatrix = (
	step: StepDefinition,
	readOutput: (ref: OutputRef) => unknown,
): { cells: Record<string, ParamValue>[] } | { problem: string } => {
	const axes: Axis[] = [];
	for (const [name, axis] of Object.entries(step.matrix ?? {})) {
		const values = Array.isArray(axis) ? axis : readValues(axis, readOutput(axis));
		if (typeof values === "string") return { problem: `matrix.${name}: ${values}` };
		axes.push([name, values]);
	}
	const count = axes.reduce(timesLength, 1);
	if (count > MAX_CELLS) return { problem: `the matrix has ${count} cells, at most ${MAX_CELLS} are allowed` };
	const cells = combinations(axes);
	const unknown = cells[0] && unknownAxis(step, cells[0]);
	return unknown
		? { problem: `\`${unknown.source}\` is asked for, but the cells have no \`${unknown.name}\`` }
		: { cells };
};

type Axis = [name: string, values: AxisValue[]];

const timesLength = (product: number, [, values]: Axis): number => product * values.length;

/** null without a matrix, and when it is not known yet. */
const staticAxes = ({ matrix }: StepDefinition): Axis[] | null => {
	if (matrix === null) return null;
	const axes = Object.entries(matrix).flatMap(([name, values]): Axis[] =>
		Array.isArray(values) ? [[name, values]] : [],
	);
	return axes.length === Object.keys(matrix).length ? axes : null;
};

/** The last axis turns fastest, as an odometer does. */
const combinations = (axes: readonly Axis[]): Record<string, ParamValue>[] =>
	Array.from({ length: axes.reduce(timesLength, 1) }, (_, index) => {
		let rest = index;
		const chosen = axes.toReversed().map(([axis, values]) => {
			const value = values[rest % values.length] as AxisValue;
			rest = Math.floor(rest / values.length);
			return entriesOf(axis, value);
		});
		return Object.fromEntries(chosen.reverse().flat());
	});

const entriesOf = (axis: string, value: AxisValue): [string, ParamValue][] =>
	typeof value === "object" ? Object.entries(value).map(([key, each]) => [`${axis}.${key}`, each]) : [[axis, value]];

/** The values of an axis, or what is wrong with what the output says. */
const readValues = ({ step, output }: OutputRef, value: unknown): AxisValue[] | string => {
	const name = `${step}.${output}`;
	if (!Array.isArray(value)) return `${name} is ${kindOf(value)}, expected a JSON list`;
	if (value.length > MAX_CELLS) return `${name} has ${value.length} values, at most ${MAX_CELLS} are allowed`;
	const shape = shapeOf(value[0]);
	for (const [index, each] of value.entries()) {
		const wrong = complaint(each);
		if (wrong !== "") return `${name}[${index}] is ${wrong}`;
		if (shapeOf(each) !== shape) return `${name}[${index}] has other keys than ${name}[0]: each must have the same`;
	}
	return value as AxisValue[];
};

const isScalar = (value: unknown): value is ParamValue =>
	typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));

const kindOf = (value: unknown): string => {
	if (value === undefined) return "without a value";
	if (value === null) return "null";
	if (Array.isArray(value)) return "a list";
	return typeof value === "object" ? "a mapping" : typeof value === "string" ? "text" : `a ${typeof value}`;
};

/** "" for a value that an axis may have. */
const complaint = (value: unknown): string => {
	if (isScalar(value)) return isText(value) ? "" : "text with a NUL character, which no program can be given";
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		return `${kindOf(value)}, expected text, a number, true, false or a mapping of such`;
	}
	for (const [key, each] of Object.entries(value)) {
		if (!isName(key)) return `a mapping with a key that is no name: letters, digits, \`-\` and \`_\`, at most 63`;
		if (!isScalar(each)) return `a mapping whose \`${key}\` is ${kindOf(each)}, expected text, a number, true or false`;
		if (!isText(each)) return `a mapping whose \`${key}\` holds a NUL character, which no program can be given`;
	}
	return Object.keys(value).length > 0 ? "" : "an empty mapping";
};

const isText = (value: ParamValue): boolean => typeof value !== "string" || !value.includes("\0");

/** Equal for values that give a cell the same keys. */
const shapeOf = (value: unknown): string =>
	typeof value === "object" && value !== null ? JSON.stringify(Object.keys(value).sort()) : "";

/** What the step asks its cells for and they don't have. */
const unknownAxis = (
	step: StepDefinition,
	cell: Record<string, ParamValue>,
): { source: string; name: string } | null => {
	const unknown = referencesOf(step).find(({ space, name }) => space === "matrix" && !Object.hasOwn(cell, name));
	return unknown ? { source: formatReference(unknown), name: unknown.name } : null;
};
