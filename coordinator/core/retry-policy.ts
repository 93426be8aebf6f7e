/** Whether a step is tried again after an attempt that did not succeed, and when. */

import type { Failure } from "#shared/domain.ts";
import { failureOf } from "#shared/failure.ts";
import type { FinalAttemptState } from "./events.ts";
import { isGang } from "./members.ts";
import type { Attempt, Step } from "./state.ts";

export interface Verdict {
	state: FinalAttemptState;
	failure: Failure | null;
	reason: string;
}

export type Next =
	| { kind: "retry"; delayMs: number; reason: string }
	/** `failure` null: that of the attempt stands. */
	| { kind: "fail"; failure: Failure | null };

const RETRY_DELAY_MAX_MS = 3_600_000;
const DECLINE_PAUSE_MS = 1_000;

export const nextAfter = (attempt: Attempt, ending: Verdict, agentOnline: boolean): Next => {
	switch (ending.state) {
		case "declined": {
			const reason = `${isGang(attempt) ? "a member" : attempt.agentId} handed it back: ${ending.reason}`;
			return { kind: "retry", delayMs: DECLINE_PAUSE_MS, reason };
		}
		case "lost":
		// Cancelled, and nobody here asked for it: a deposed leader, or the agent's owner.
		case "cancelled":
			return afterLoss(attempt, ending, agentOnline);
		default:
			return afterFailure(attempt, ending.failure);
	}
};

const afterLoss = (attempt: Attempt, ending: Verdict, agentOnline: boolean): Next => {
	const { step, agentId } = attempt;
	const reason = ending.reason || `${agentId} stopped it unasked`;
	if (mayBeLostAgain(step)) {
		// One whose agent itself says that it is gone is not waited for, nor a gang, which does not come together again.
		const isSure = isGang(attempt) || ending.state !== "lost" || ending.failure?.cause === "lost" || agentOnline;
		return { kind: "retry", delayMs: isSure ? 0 : step.definition.lostWaitMs, reason };
	}
	const message = `lost ${step.losses} times, the last time since ${reason}`;
	return { kind: "fail", failure: failureOf("lost", message) };
};

const afterFailure = ({ step, number }: Attempt, failure: Failure | null): Next => {
	if (!failure || !mayFailAgain(step, failure)) return { kind: "fail", failure: null };
	const { retries } = step.definition;
	const delayMs = Math.min(retries.delayMs * retries.backoff ** (step.failures - 1), RETRY_DELAY_MAX_MS);
	const used = step.failures + lossesBeyond(step);
	const reason = `attempt ${number} failed (${failure.cause}); retry ${used} of ${retries.max}`;
	return { kind: "retry", delayMs, reason };
};

/** Losses that are paid for by `max`, as failures are. */
const lossesBeyond = ({ losses, definition: { retries } }: Step): number =>
	retries.on.includes("lost") ? Math.max(0, losses - retries.lost) : 0;

const mayBeLostAgain = (step: Step): boolean => {
	const { retries } = step.definition;
	if (step.losses <= retries.lost) return true;
	return retries.on.includes("lost") && step.failures + lossesBeyond(step) <= retries.max;
};

const mayFailAgain = (step: Step, { cause, exitCode }: Failure): boolean => {
	const { retries } = step.definition;
	if (step.failures + lossesBeyond(step) > retries.max || !retries.on.includes(cause)) return false;
	return cause !== "error" || retries.exitCodes.length === 0 || retries.exitCodes.includes(exitCode ?? -1);
};
