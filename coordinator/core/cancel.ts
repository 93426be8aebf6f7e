/** Stopping: what can end at once does, running attempts are told to stop and report back. */

import { undoDeployment, waitingStep } from "./deploy.ts";
import { stopMembers } from "./gang.ts";
import { identity } from "./graph.ts";
import { failStep, finishRun, settleStep, stopOf } from "./settle.ts";
import { liveAttempt, type Run, type Step } from "./state.ts";
import { isSettled } from "./transitions.ts";
import { emit, type Turn } from "./turn.ts";

export const cancelRun = (turn: Turn, run: Run, reason: string): void => {
	if (run.status !== "running" && run.status !== "queued") return;
	emit(turn, { kind: "runCancelRequested", runId: run.id, reason });
	stopSteps(turn, run, reason);
};

export const cancelStep = (turn: Turn, step: Step, reason: string): void => {
	if (isSettled(step.status) || step.cancelReason !== "") return;
	emit(turn, { kind: "stepCancelRequested", ...identity(step), reason: reason || "cancelled" });
	stopStep(turn, step, reason);
};

/** A run whose time is up ends as failed. */
export const timeOutRun = (turn: Turn, run: Run): void => {
	const reason = `the run took longer than its timeout of ${Math.round(run.definition.timeoutMs / 1000)} s`;
	emit(turn, { kind: "runTimedOut", runId: run.id, reason });
	stopSteps(turn, run, reason);
};

/** Every step that must stop by what the run or the step was told. */
export const stopSteps = (turn: Turn, run: Run, reason = ""): void => {
	for (const step of [...run.steps.values()]) {
		if (!isSettled(step.status) && stopOf(step)) stopStep(turn, step, reason);
	}
	finishRun(turn, run);
};

const stopStep = (turn: Turn, step: Step, asked: string): void => {
	const stop = stopOf(step);
	if (!stop) return;
	const reason = asked || stop.reason;
	const attempt = liveAttempt(step);
	if (attempt) return stopMembers(turn, attempt, reason, null);
	if (step.definition.action.kind === "deploy" && waitingStep(turn.state, step.definition.action.name) === step) {
		undoDeployment(turn, step.definition.action.name);
	}
	if (stop.as === "cancelled") return settleStep(turn, step, "cancelled", reason);
	if (step.attempts === 0 && step.status !== "held" && step.status !== "running") {
		return settleStep(turn, step, "skipped", reason);
	}
	failStep(turn, step, "timeout", reason);
};
