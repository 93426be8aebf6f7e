/** When a stamped step's command ran its first instruction, by the step itself. */

import type { StepView } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";

/** Milliseconds since the epoch; null while it has not been reported. */
export const stampOf = (step: StepView): number | null => {
	const stamp = step.metrics.find(({ name }) => name === "started_s");
	if (stamp) return stamp.value * 1000;
	if (step.state !== "succeeded" && step.state !== "failed") return null;
	throw new RunmeshError("RM_UNAVAILABLE", "a step did not stamp its start", {
		hint: "this benchmark needs bash 5 for its EPOCHREALTIME",
	});
};
