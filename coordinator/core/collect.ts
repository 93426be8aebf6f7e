/** The end of a sub-pipeline: its outputs are those of the steps that its file names. */

import type { StepAction } from "#shared/pipeline/definition.ts";
import { settleStep } from "./settle.ts";
import type { Step } from "./state.ts";
import { outputOf } from "./task.ts";
import type { Turn } from "./turn.ts";

export const runCollect = (turn: Turn, step: Step, action: Extract<StepAction, { kind: "collect" }>): void => {
	const outputs = Object.entries(action.outputs).flatMap(([name, ref]) => {
		const output = outputOf(step.run, ref);
		return output ? [{ ...output, name }] : [];
	});
	settleStep(turn, step, "succeeded", "", { outputs });
};
