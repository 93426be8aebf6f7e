/** Steps to the cells that run: a step without a matrix is one, a matrix makes one for each combination. */

import type { StepKey } from "../ids.ts";
import type { ParamValue, PipelineDefinition, StepDefinition } from "./definition.ts";

export interface StepCell {
	key: StepKey;
	/** Of the cell in its step; 0 without a matrix. */
	index: number;
	definition: StepDefinition;
	/** The cell's value on each axis; {} without a matrix. */
	matrix: Record<string, ParamValue>;
}

export const cellCount = ({ matrix }: StepDefinition): number =>
	matrix === null ? 1 : Object.values(matrix).reduce((product, values) => product * values.length, 1);

/** The nth combination, the last axis turning fastest, as an odometer does. */
const combination = (axes: readonly [string, ParamValue[]][], index: number): Record<string, ParamValue> => {
	let rest = index;
	const chosen = axes.toReversed().map(([axis, values]): [string, ParamValue] => {
		const value = values[rest % values.length] as ParamValue;
		rest = Math.floor(rest / values.length);
		return [axis, value];
	});
	return Object.fromEntries(chosen.reverse());
};

/** In the order of the file. */
export const expandSteps = ({ steps }: PipelineDefinition): StepCell[] =>
	steps.flatMap((definition): StepCell[] => {
		if (definition.matrix === null) {
			return [{ key: definition.name as StepKey, index: 0, definition, matrix: {} }];
		}
		const axes = Object.entries(definition.matrix);
		return Array.from({ length: cellCount(definition) }, (_, index) => ({
			key: `${definition.name}.${index}` as StepKey,
			index,
			definition,
			matrix: combination(axes, index),
		}));
	});
