/** Inputs of zeros, for a first run that nobody waits for. */

import { elementSize } from "#shared/inference/datatype.ts";
import { elementCount } from "#shared/inference/tensor.ts";
import type { TensorSpec, WireTensor } from "./model.ts";

/** Of an empty text, in the binary form. */
const EMPTY_TEXT_BYTES = 4;

/** Lengths that vary are 1. */
export const zeroInputs = (inputs: TensorSpec[]): WireTensor[] =>
	inputs.map(({ name, datatype, shape }) => {
		const concrete = (shape ?? [1]).map((length) => (length < 0 ? 1 : length));
		const bytes = new Uint8Array(elementCount(concrete, name) * (elementSize(datatype) ?? EMPTY_TEXT_BYTES));
		return { name, datatype, shape: concrete, bytes };
	});
