/**
 * One turn may take several journal messages, and a leader may die between them: its successor draws the conclusions
 * that the journal lacks. With a journal that lacks none this does nothing.
 */

import { stopSteps } from "./cancel.ts";
import { concludeAttempt, dropDependents, finishRun } from "./settle.ts";
import type { AttemptStatus, Run, Step } from "./state.ts";
import { isSettled } from "./transitions.ts";
import type { Turn } from "./turn.ts";

export const concludeRun = (turn: Turn, run: Run): void => {
	for (const step of run.steps.values()) concludeStep(turn, step);
	if (run.status === "cancelling") stopSteps(turn, run, "the run was cancelled");
	for (const step of run.steps.values()) {
		if (isSettled(step.status) && step.status !== "succeeded") dropDependents(turn, step);
	}
	finishRun(turn, run);
};

const concludeStep = (turn: Turn, step: Step): void => {
	const { attempt } = step;
	if (!attempt || (step.status !== "leased" && step.status !== "running") || isLive(attempt.status)) return;
	concludeAttempt(turn, attempt, { state: attempt.status, failure: step.failure, reason: "" });
};

const isLive = (status: AttemptStatus): status is "leased" | "running" => status === "leased" || status === "running";
