/** `uses: approve`: a step is held until a person answers, or its time is up. */

import type { StepAction } from "#shared/pipeline/definition.ts";
import { interpolate } from "#shared/pipeline/interpolate.ts";
import { scopeOf } from "./facts.ts";
import { identity } from "./graph.ts";
import type { Input } from "./inputs.ts";
import { failStep, settleStep } from "./settle.ts";
import type { ApprovalAnswer, Step } from "./state.ts";
import { emit, type Turn } from "./turn.ts";

/** The message may tell what earlier steps found; when they did not say it, there is nothing to decide on. */
export const askForApproval = (turn: Turn, step: Step, { message }: Extract<StepAction, { kind: "approve" }>): void => {
	try {
		const asked = interpolate(message, scopeOf(step));
		emit(turn, { kind: "approvalRequested", ...identity(step), message: asked });
	} catch (error) {
		failStep(turn, step, "input", (error as Error).message);
	}
};

/** An answer to a step that is not held, or no more, says nothing. */
export const approvalAnswered = (turn: Turn, answer: Extract<Input, { kind: "answerApproval" }>): void => {
	const { runId, stepKey, approved, by, comment } = answer;
	const step = turn.state.runs.get(runId)?.steps.get(stepKey);
	if (step?.status !== "held") return;
	emit(turn, { kind: "approvalAnswered", ...identity(step), approved, by, comment });
	settleByAnswer(turn, step, { approved, by, comment });
};

export const settleByAnswer = (turn: Turn, step: Step, { approved, by, comment }: ApprovalAnswer): void => {
	const word = `${approved ? "approved" : "rejected"} by ${by}${comment ? `: ${comment}` : ""}`;
	if (approved) return settleStep(turn, step, "succeeded", word);
	failStep(turn, step, "rejected", word);
};

export const expireApprovals = (turn: Turn): void => {
	for (const step of [...turn.state.held]) {
		const { timeoutMs } = step.definition;
		if (timeoutMs === 0 || turn.nowMs - step.sinceMs <= timeoutMs) continue;
		const message = `nobody answered within ${Math.round(timeoutMs / 1000)} s`;
		failStep(turn, step, "timeout", message);
	}
};
