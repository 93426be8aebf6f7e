/** Why an attempt ended as it did, in one sentence, and what came after it. */

import type { AttemptView, EventView, StepView } from "#shared/api.ts";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { agentsOf, duration, failureWords, howItEnded, usageWords } from "./words.ts";

export interface AttemptFacts {
	step: StepView;
	/** null where the run's definition is not kept. */
	definition: StepDefinition | null;
	attempt: AttemptView;
	/** Of the attempt, the oldest first, and of what was decided after it. */
	events: readonly EventView[];
	nowMs: number;
}

export const attemptSummary = (facts: AttemptFacts): string => {
	const { step, definition, attempt, nowMs } = facts;
	const { number, state, failure, reason, leasedAtMs, startedAtMs, finishedAtMs } = attempt;
	const agent = agentsOf(attempt);
	const it = `attempt ${number} of ${step.key}`;
	const limitBytes = definition?.limits.memory ? definition.resources.memoryBytes : 0;
	const used = usageWords(attempt.usage, limitBytes);
	const took =
		startedAtMs === null || finishedAtMs === null
			? ""
			: ` after ${duration(finishedAtMs - startedAtMs)}${used === "" ? "" : ` (${used})`}`;
	const why = failure ? `: ${failureWords(failure)}` : reason === "" ? "" : `: ${reason}`;
	switch (state) {
		case "leased":
			return `${it} was given to ${agent} ${duration(nowMs - leasedAtMs)} ago, which has not said yet that it runs`;
		case "running":
			return `${it} has been running on ${agent} for ${duration(nowMs - (startedAtMs ?? leasedAtMs))}`;
		case "succeeded":
			return `${it} succeeded on ${agent}${took}`;
		case "failed":
			return `${it} failed on ${agent}${took}${why}${after(facts)}`;
		case "lost":
			return `${it} was lost on ${agent}${reason === "" ? "" : ` (${reason})`}: nobody knows how it ended, which is no failure of the step${after(facts)}`;
		case "cancelled":
			return `${it} was stopped on ${agent}${took}${why}${after(facts)}`;
		case "declined":
			return `${agent} handed ${it} back${why}${after(facts)}`;
	}
};

/** What followed it. */
const after = ({ step, attempt, events, nowMs }: AttemptFacts): string => {
	const next = step.attempts.find(({ number }) => number > attempt.number);
	if (next) return `; attempt ${next.number} followed on ${agentsOf(next)}, which ${howItEnded(next)}`;
	const scheduled = events.findLast(({ kind }) => kind === "stepRetryScheduled")?.data.notBeforeMs;
	if (step.finishedAtMs === null && typeof scheduled === "number") {
		return `; the step is started again ${scheduled > nowMs ? `in ${duration(scheduled - nowMs)}` : "now"}`;
	}
	return step.finishedAtMs === null ? "" : `; it was the last, and the step ${step.state}`;
};
