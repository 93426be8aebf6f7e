/** A run has no step of that key: which was meant? */

import { RunmeshError } from "#shared/errors.ts";
import type { RunId } from "#shared/ids.ts";
import { suggest } from "#shared/pipeline/near.ts";

export const unknownStep = (run: RunId, key: string, steps: readonly { key: string; name: string }[]): RunmeshError => {
	const cells = steps.filter(({ name }) => name === key).map((cell) => cell.key);
	const keys = steps.map((step) => step.key);
	const hint =
		cells.length > 0 ? `its matrix makes it ${cells[0]} to ${cells.at(-1)}: name one of them` : suggest(key, keys);
	return new RunmeshError("RM_NOT_FOUND", `run ${run} has no step "${key}"`, { hint });
};
