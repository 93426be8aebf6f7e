/** An attempt that failed on a device which turns out to be broken has not failed: another place may have it. */

import type { FinishedBody } from "../core/state.ts";

export const blameDevices = async (
	outcome: FinishedBody,
	gpuIds: readonly string[],
	examine: (gpuIds: readonly string[]) => Promise<string>,
): Promise<FinishedBody> => {
	const { failure } = outcome;
	// One that hung in a call of its driver ran into its timeout.
	const isSuspect = failure?.cause === "error" || failure?.cause === "timeout";
	if (gpuIds.length === 0 || outcome.outcome !== "failed" || !failure || !isSuspect) return outcome;
	const fault = await examine(gpuIds);
	if (fault === "") return outcome;
	return { ...outcome, failure: { ...failure, cause: "lost", message: `${fault}; ${failure.message}` } };
};
