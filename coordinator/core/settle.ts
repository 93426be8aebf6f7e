/** How a step comes to its end: retry or verdict, then what that means for the steps behind it and for the run. */

import type { ArtifactRef, Failure, Metric } from "#shared/domain.ts";
import type { FinalAttemptState, FinalStepState } from "./events.ts";
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
});

export const endAttempt = (turn: Turn, attempt: Attempt, ending: AttemptEnding): void => {
	emit(turn, { kind: "attemptEnded", ...identity(attempt.step), attemptId: attempt.id, ...ending });
	concludeAttempt(turn, attempt, ending);
};

/** What an ended attempt means for its step. */
export const concludeAttempt = (
	turn: Turn,
	attempt: Attempt,
	ending: Pick<AttemptEnding, "state" | "failure" | "reason">,
): void => {
	const { step } = attempt;
	if (ending.state === "succeeded") {
		settleStep(turn, step, "succeeded");
	} else if (step.run.status === "cancelling") {
		settleStep(turn, step, "cancelled", ending.reason || "cancelled");
	} else {
		retryOrFail(turn, attempt, ending);
	}
};

const retryOrFail = (
	turn: Turn,
	attempt: Attempt,
	ending: Pick<AttemptEnding, "state" | "failure" | "reason">,
): void => {
	const { step } = attempt;
	const { retries } = step.definition;
	if (ending.state === "declined") {
		step.declinedUntilMs.set(attempt.agentId, turn.nowMs + turn.options.declineMs);
		return scheduleRetry(turn, step, DECLINE_PAUSE_MS, `${attempt.agentId} handed it back: ${ending.reason}`);
	}
	// Cancelled, and nobody here asked for it: a deposed leader, or the agent's owner.
	if (ending.state === "lost" || ending.state === "cancelled") {
		const reason = ending.reason || `${attempt.agentId} stopped it unasked`;
		if (step.losses <= turn.options.lostBudget) return scheduleRetry(turn, step, 0, reason);
		const message = `lost ${step.losses} times, the last time since ${reason}`;
		return settleStep(turn, step, "failed", "", { failure: { cause: "lost", message, signal: "" } });
	}
	const cause = ending.failure?.cause;
	if (cause && retries.on.includes(cause) && step.failures <= retries.max) {
		const delayMs = Math.min(retries.delayMs * retries.backoff ** (step.failures - 1), RETRY_DELAY_MAX_MS);
		const reason = `attempt ${attempt.number} failed (${cause}); retry ${step.failures} of ${retries.max}`;
		return scheduleRetry(turn, step, delayMs, reason);
	}
	settleStep(turn, step, "failed");
};

const RETRY_DELAY_MAX_MS = 3_600_000;
const DECLINE_PAUSE_MS = 1_000;

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
	if (state !== "succeeded") dropDependents(turn, step);
	finishRun(turn, step.run);
};

/** Everything behind a step that did not succeed can't run any more. */
export const dropDependents = (turn: Turn, origin: Step): void => {
	const { run } = origin;
	const pending: Step[] = [origin];
	for (let dropped = pending.pop(); dropped; dropped = pending.pop()) {
		for (const dependent of run.dependents.get(dropped.definition.name) ?? []) {
			if (dependent.status !== "waiting") continue;
			const cancelled = run.status === "cancelling";
			emit(turn, {
				kind: "stepSettled",
				...identity(dependent),
				state: cancelled ? "cancelled" : "skipped",
				failure: null,
				outputs: [],
				metrics: [],
				reason: cancelled ? "the run was cancelled" : `${dropped.key} ${dropped.status}`,
			});
			pending.push(dependent);
		}
	}
};

export const finishRun = (turn: Turn, run: Run): void => {
	if (run.unsettled > 0 || !turn.state.runs.has(run.id)) return;
	const statuses = new Set([...run.steps.values()].map((step) => step.status));
	const state = statuses.has("cancelled") ? "cancelled" : statuses.has("failed") ? "failed" : "succeeded";
	emit(turn, { kind: "runFinished", runId: run.id, state });
};

export const identity = (step: Step) => ({ runId: step.run.id, stepKey: step.key });
