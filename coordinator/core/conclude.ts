/**
 * One turn may take several journal messages, and a leader may die between them: its successor draws the conclusions
 * that the journal lacks. With a journal that lacks none this does nothing.
 */

import { joinGroup } from "./admit.ts";
import { settleByAnswer } from "./approve.ts";
import { stopSteps } from "./cancel.ts";
import { concludeDeploy } from "./deploy.ts";
import { knowRunner } from "./equals.ts";
import { beginRun, followSettled } from "./graph.ts";
import { concludeAttempt, finishRun, stopOf } from "./settle.ts";
import { isLive, type Run, type Step } from "./state.ts";
import { isSettled } from "./transitions.ts";
import type { Turn } from "./turn.ts";

export const concludeRun = (turn: Turn, run: Run): void => {
	for (const step of [...run.steps.values()]) {
		concludeStep(turn, step);
		knowRunner(turn, step);
	}
	stopSteps(turn, run);
	beginRun(turn, run);
	const followed = new Set<string>();
	for (const step of [...run.steps.values()]) {
		const { name } = step.definition;
		if (!isSettled(step.status) || step.status === "succeeded" || followed.has(name)) continue;
		followed.add(name);
		followSettled(turn, [step]);
	}
	if (run.group !== "" && turn.state.runs.has(run.id)) joinGroup(turn, run);
	finishRun(turn, run);
};

const concludeStep = (turn: Turn, step: Step): void => {
	const { attempt, answer } = step;
	if (stopOf(step) && !attempt) return;
	if (answer && step.status === "held") settleByAnswer(turn, step, answer);
	concludeDeploy(turn, step);
	if (!attempt || (step.status !== "leased" && step.status !== "running") || isLive(attempt.status)) return;
	concludeAttempt(turn, attempt, { state: attempt.status, failure: step.failure, reason: "" });
};
