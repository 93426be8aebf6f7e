/** How a step comes to its end: retry or verdict, then what that means for the steps behind it and for the run. */

import type { ArtifactRef, CodeUse, Failure, Metric } from "#shared/domain.ts";
import { recordResult, releaseEquals } from "./equals.ts";
import type { FinalAttemptState, FinalRunState, FinalStepState } from "./events.ts";
import { followSettled, identity } from "./graph.ts";
import type { Attempt, Run, Step } from "./state.ts";
import { emit, type Turn } from "./turn.ts";

export interface AttemptEnding {
	state: FinalAttemptState;
	failure: Failure | null;
	outputs: ArtifactRef[];
	metrics: Metric[];
	startedAtMs: number;
	finishedAtMs: number;
	reason: string;
	codeUse: CodeUse | null;
}

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
});

export const endAttempt = (turn: Turn, attempt: Attempt, ending: AttemptEnding): void => {
	emit(turn, { kind: "attemptEnded", ...identity(attempt.step), attemptId: attempt.id, ...ending });
	if (ending.state === "succeeded") recordResult(turn, attempt.step, ending.codeUse);
	concludeAttempt(turn, attempt, ending);
};

type Verdict = Pick<AttemptEnding, "state" | "failure" | "reason">;

/** What an ended attempt means for its step. */
export const concludeAttempt = (turn: Turn, attempt: Attempt, ending: Verdict): void => {
	const { step } = attempt;
	if (ending.state === "succeeded") return settleStep(turn, step, "succeeded");
	const stop = stopOf(step);
	if (stop?.as === "cancelled") return settleStep(turn, step, "cancelled", ending.reason || stop.reason);
	if (stop) return settleStep(turn, step, "failed", "", { failure: timeoutFailure(stop.reason) });
	retryOrFail(turn, attempt, ending);
};

export const timeoutFailure = (message: string): Failure => ({ cause: "timeout", message, signal: "" });

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
	const { step } = attempt;
	const { retries } = step.definition;
	if (ending.state === "declined") {
		step.declinedUntilMs ??= new Map();
		step.declinedUntilMs.set(attempt.agentId, turn.nowMs + turn.options.declineMs);
		return scheduleRetry(turn, step, DECLINE_PAUSE_MS, `${attempt.agentId} handed it back: ${ending.reason}`);
	}
	// Cancelled, and nobody here asked for it: a deposed leader, or the agent's owner.
	if (ending.state === "lost" || ending.state === "cancelled") {
		const reason = ending.reason || `${attempt.agentId} stopped it unasked`;
		if (mayBeLostAgain(step)) return scheduleRetry(turn, step, lostWaitOf(turn, attempt), reason);
		const message = `lost ${step.losses} times, the last time since ${reason}`;
		return settleStep(turn, step, "failed", "", { failure: { cause: "lost", message, signal: "" } });
	}
	if (mayFailAgain(step, ending.failure)) {
		const used = step.failures + lossesBeyond(step);
		const delayMs = Math.min(retries.delayMs * retries.backoff ** (step.failures - 1), RETRY_DELAY_MAX_MS);
		const reason = `attempt ${attempt.number} failed (${ending.failure?.cause}); retry ${used} of ${retries.max}`;
		return scheduleRetry(turn, step, delayMs, reason);
	}
	settleStep(turn, step, "failed");
};

/** One whose agent itself says that it is gone is not waited for. */
const lostWaitOf = ({ state }: Turn, { agentId, status, step }: Attempt): number =>
	status === "lost" && !state.agents.get(agentId)?.online ? step.definition.lostWaitMs : 0;

const RETRY_DELAY_MAX_MS = 3_600_000;
const DECLINE_PAUSE_MS = 1_000;

/** Losses that are paid for by `max`, as failures are. */
const lossesBeyond = ({ losses, definition: { retries } }: Step): number =>
	retries.on.includes("lost") ? Math.max(0, losses - retries.lost) : 0;

const mayBeLostAgain = (step: Step): boolean => {
	const { retries } = step.definition;
	if (step.losses <= retries.lost) return true;
	return retries.on.includes("lost") && step.failures + lossesBeyond(step) <= retries.max;
};

const mayFailAgain = (step: Step, failure: Failure | null): boolean => {
	const { retries } = step.definition;
	if (!failure || step.failures + lossesBeyond(step) > retries.max) return false;
	const { cause, exitCode } = failure;
	if (!retries.on.includes(cause)) return false;
	return cause !== "error" || retries.exitCodes.length === 0 || retries.exitCodes.includes(exitCode ?? -1);
};

const scheduleRetry = (turn: Turn, step: Step, delayMs: number, reason: string): void =>
	emit(turn, {
		kind: "stepRetryScheduled",
		...identity(step),
		notBeforeMs: Math.floor(turn.nowMs + delayMs),
		reason,
	});

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
