/** Cancelling a run: what can end at once does, running attempts are told to stop and report back. */

import { undoDeployment, waitingStep } from "./deploy.ts";
import { settleStep } from "./settle.ts";
import type { Attempt, Run } from "./state.ts";
import { isSettled } from "./transitions.ts";
import { emit, type Turn } from "./turn.ts";

export const cancelRun = (turn: Turn, run: Run, reason: string): void => {
	if (run.status !== "running") return;
	emit(turn, { kind: "runCancelRequested", runId: run.id, reason });
	stopSteps(turn, run, reason);
};

export const stopSteps = (turn: Turn, run: Run, reason: string): void => {
	for (const step of run.steps.values()) {
		if (isSettled(step.status)) continue;
		if (step.attempt?.status === "leased" || step.attempt?.status === "running") {
			stopAttempt(turn, step.attempt, reason);
			continue;
		}
		if (step.definition.action.kind === "deploy" && waitingStep(turn.state, step.definition.action.name) === step) {
			undoDeployment(turn, step.definition.action.name);
		}
		settleStep(turn, step, "cancelled", reason);
	}
};

const stopAttempt = (turn: Turn, attempt: Attempt, reason: string): void => {
	turn.effects.push({
		kind: "sendControl",
		agentId: attempt.agentId,
		control: { leaderEpoch: turn.state.epoch, stop: [{ attemptId: attempt.id, reason }] },
	});
};
