/** How a step comes to its end: retry or verdict, then what that means for the steps behind it and for the run. */

import type { ArtifactRef, Failure, FailureCause, Metric } from "#shared/domain.ts";
import { failureOf } from "#shared/failure.ts";
import type { AgentId } from "#shared/ids.ts";
import { recordResult, releaseEquals } from "./equals.ts";
import type { AttemptEnded, FinalAttemptState, FinalRunState, FinalStepState } from "./events.ts";
import { waitForOthers } from "./gang.ts";
import { followSettled, identity } from "./graph.ts";
import { nextAfter, type Verdict } from "./retry-policy.ts";
import type { Attempt, Member, Run, Step } from "./state.ts";
import { emit, type Turn } from "./turn.ts";

/** What its event tells of it, but whose it is and when. */
export type AttemptEnding = Omit<AttemptEnded, "kind" | "atMs" | "runId" | "stepKey" | "attemptId">;

/** An ending without a result. */
export const endingOf = (state: FinalAttemptState, reason: string, failure: Failure | null = null): AttemptEnding => ({
	state,
	failure,
	outputs: [],
	metrics: [],
	startedAtMs: 0,
	finishedAtMs: 0,
	reason,
	codeUse: null,
	usage: null,
});

/** `by` is the member whose end is the attempt's. */
export const endAttempt = (turn: Turn, attempt: Attempt, ending: AttemptEnding, by: Member | null = null): void => {
	emit(turn, { kind: "attemptEnded", ...identity(attempt.step), attemptId: attempt.id, ...ending });
	waitForOthers(turn, attempt, by);
	if (ending.state === "succeeded") recordResult(turn, attempt.step, ending.codeUse);
	concludeAttempt(turn, attempt, ending);
};

/** What an ended attempt means for its step. */
export const concludeAttempt = (turn: Turn, attempt: Attempt, ending: Verdict): void => {
	const { step } = attempt;
	if (ending.state === "succeeded") return settleStep(turn, step, "succeeded");
	const stop = stopOf(step);
	if (stop?.as === "cancelled") return settleStep(turn, step, "cancelled", ending.reason || stop.reason);
	if (stop) return failStep(turn, step, "timeout", stop.reason);
	retryOrFail(turn, attempt, ending);
};

/** Why a step must stop, and what it ends as; null when it may go on. */
export const stopOf = ({
	run,
	cancelReason,
	definition,
}: Step): { as: "cancelled" | "failed"; reason: string } | null => {
	if (run.status === "cancelling") return { as: "cancelled", reason: "the run was cancelled" };
	if (cancelReason !== "") return { as: "cancelled", reason: cancelReason };
	if (run.timedOut !== "" && definition.phase === "main") return { as: "failed", reason: run.timedOut };
	return null;
};

const retryOrFail = (turn: Turn, attempt: Attempt, ending: Verdict): void => {
	const { step, agentId } = attempt;
	const next = nextAfter(attempt, ending, turn.state.agents.get(agentId)?.online ?? false);
	if (next.kind === "fail") return settleStep(turn, step, "failed", "", { failure: next.failure });
	emit(turn, {
		kind: "stepRetryScheduled",
		...identity(step),
		notBeforeMs: Math.floor(turn.nowMs + next.delayMs),
		reason: next.reason,
	});
};

/** It is not asked again for a while. */
export const declinedBy = ({ nowMs, options }: Turn, step: Step, agentId: AgentId): void => {
	step.declinedUntilMs ??= new Map();
	step.declinedUntilMs.set(agentId, nowMs + options.declineMs);
};

export interface StepResult {
	failure?: Failure | null;
	outputs?: ArtifactRef[];
	metrics?: Metric[];
}

/** A step's final word; without a result of its own it keeps that of its last attempt. */
export const settleStep = (
	turn: Turn,
	step: Step,
	state: FinalStepState,
	reason = "",
	result: StepResult = {},
): void => {
	emit(turn, {
		kind: "stepSettled",
		...identity(step),
		state,
		failure: state === "succeeded" ? null : (result.failure ?? step.failure),
		outputs: result.outputs ?? step.outputs,
		metrics: result.metrics ?? step.metrics,
		reason,
	});
	releaseEquals(turn, step);
	followSettled(turn, [step]);
	finishRun(turn, step.run);
};

/** Ends a step as failed for a reason that the coordinator has found. */
export const failStep = (turn: Turn, step: Step, cause: FailureCause, message: string): void =>
	settleStep(turn, step, "failed", "", { failure: failureOf(cause, message) });

export const finishRun = (turn: Turn, run: Run): void => {
	if (run.unsettled > 0 || !turn.state.runs.has(run.id)) return;
	emit(turn, { kind: "runFinished", runId: run.id, state: outcomeOf(run), reason: run.timedOut });
	if (run.group !== "") turn.groups.add(run.group);
};

/** Steps of `on_failure` have no say in it. */
const outcomeOf = (run: Run): FinalRunState => {
	if (run.status === "cancelling") return "cancelled";
	let failed = run.timedOut !== "";
	for (const { status, definition } of run.steps.values()) {
		if (definition.phase !== "main") continue;
		if (status === "cancelled") return "cancelled";
		if (status === "failed") failed = true;
	}
	return failed ? "failed" : "succeeded";
};
