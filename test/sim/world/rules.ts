/** What an event of a step or a run may say, given all that was said before. */

import type { JournalEvent } from "#coordinator/core/events.ts";
import { holds } from "./conditions.ts";
import {
	demand,
	isFinal,
	isReady,
	needsAreClosed,
	needsSucceeded,
	stepGroupOf,
	type ViewAttempt,
	type ViewRun,
	type ViewStep,
} from "./seen.ts";
import type { View } from "./view.ts";

/** A lease, or a person's: one at a time, when nothing is open, within the group. */
export const checkLease = (view: View, step: ViewStep, atMs: number): void => {
	const { run, definition, attempt, status } = step;
	const path = `${run.id}/${step.key}`;
	const isLive = attempt?.status === "leased" || attempt?.status === "running";
	demand(!isLive, () => `${path} gets a second lease while ${attempt?.id} is ${attempt?.status}`);
	demand(isReady(step), () => `${path} is leased when ${status}`);
	demand(status !== "backoff" || step.notBeforeMs <= atMs, () => `${path} is leased before its time`);
	demand(needsAreClosed(step), () => `${path} is leased while its needs are open`);
	demand(
		needsSucceeded(step) || definition.condition?.statusAware === true,
		() => `${path} is leased although a need has not succeeded`,
	);
	demand(run.status === "running", () => `${path} is leased when its run is ${run.status}`);
	demand(!run.timedOut || definition.phase === "onFailure", () => `${path} is leased after its run timed out`);
	demand(!step.cancelAsked, () => `${path} is leased after it was cancelled`);
	demand(!run.leftOut.has(definition.name), () => `${path} is leased although it was left out`);
	checkGroup(view, step);
};

/** No more at once than the group allows. */
export const checkGroup = (view: View, step: ViewStep): void => {
	const { concurrency } = step.definition;
	if (!concurrency) return;
	const holders = view.stepGroups.get(stepGroupOf(step))?.size ?? 0;
	const path = `${step.run.id}/${step.key}`;
	demand(holders < concurrency.max, () => `${path} goes on beside ${holders} of its group, of ${concurrency.max}`);
};

/** It succeeds when all its members have, with what the first has left. */
export const checkGang = (attempt: ViewAttempt, event: Extract<JournalEvent, { kind: "attemptEnded" }>): void => {
	const others = attempt.agentIds.length - 1;
	if (event.state !== "succeeded" || others === 0) return;
	const done = attempt.endedRanks.size;
	demand(done === others, () => `${attempt.id} succeeded with ${done} of its ${others} others`);
	const first = attempt.endedRanks.get(0);
	const isSame = first === undefined || JSON.stringify(first) === JSON.stringify(event.outputs);
	demand(isSame, () => `${attempt.id} succeeded with other results than its first member's`);
};

type Settled = Extract<JournalEvent, { kind: "stepSettled" }>;

/** A step's final word has a source: an attempt, the cache, an earlier run, a person, or a stated reason. */
export const checkSettled = (step: ViewStep, event: Settled): void => {
	const path = `${step.run.id}/${step.key}`;
	switch (event.state) {
		case "succeeded":
			return demand(hasResult(step, event), () => `${path} succeeded from nowhere: ${JSON.stringify(step.attempt)}`);
		case "skipped":
			demand(step.attempts === 0, () => `${path} is skipped after ${step.attempts} attempts`);
			return demand(maySkip(step, event.reason), () => `${path} is skipped without cause: ${event.reason}`);
		case "cancelled":
			demand(event.reason !== "", () => `${path} is cancelled without a reason`);
			return demand(step.run.cancelAsked || step.cancelAsked, () => `${path} is cancelled, and nobody asked for it`);
		case "failed":
			return checkFailed(step, event);
	}
};

const hasResult = (step: ViewStep, { outputs }: Settled): boolean => {
	const { attempt, run, definition } = step;
	const same = (other: Settled["outputs"]): boolean => JSON.stringify(other) === JSON.stringify(outputs);
	const reused = run.reused.get(step.key);
	if (reused && same(reused.outputs) && step.attempts === 0) return true;
	switch (definition.action.kind) {
		case "approve":
			return step.answer === true;
		case "select":
			return (run.cells.get(definition.action.from) ?? []).some(
				(cell) => cell.status === "succeeded" && same(cell.outputs),
			);
		case "collect":
		case "deploy":
			return isReady(step) || step.status === "running";
		default:
			if (step.cacheHit) return step.attempts === 0 || step.status === "backoff" || step.status === "ready";
			return attempt?.status === "succeeded" && same(attempt.end?.outputs ?? []);
	}
};

const maySkip = (step: ViewStep, reason: string): boolean => {
	const { run, definition } = step;
	if (reason === "not asked for") return run.leftOut.has(definition.name);
	if (reason === "nothing has failed") return definition.phase === "onFailure" && !holds(step);
	if (reason.startsWith("`if` does not hold: ")) return definition.condition !== null && !holds(step);
	if (reason === "its matrix is empty") return definition.matrix !== null;
	if (run.timedOut && definition.phase === "main") return reason !== "";
	if (definition.condition?.statusAware) return false;
	return definition.needs.some((need) =>
		(run.cells.get(need) ?? []).some(({ key, status }) => status !== "succeeded" && reason === `${key} ${status}`),
	);
};

/** After what its last attempt came to; one that was handed back costs nothing. */
export const mayTryAgain = ({ attempt, definition, failures, losses }: ViewStep): boolean => {
	const { max, on, exitCodes, lost } = definition.retries;
	const isPaid = failures + (on.includes("lost") ? Math.max(0, losses - lost) : 0) <= max;
	switch (attempt?.status) {
		case "declined":
			return true;
		case "lost":
		case "cancelled":
			return losses <= lost || (on.includes("lost") && isPaid);
		default: {
			const failure = attempt?.end?.failure;
			if (!failure || !on.includes(failure.cause)) return false;
			const isListed = failure.cause !== "error" || exitCodes.length === 0;
			return isPaid && (isListed || exitCodes.includes(failure.exitCode ?? -1));
		}
	}
};

const checkFailed = (step: ViewStep, { failure }: Settled): void => {
	const { run, definition, attempt } = step;
	const path = `${run.id}/${step.key}`;
	demand(failure !== null, () => `${path} failed without a failure`);
	if (!attempt || (run.timedOut && definition.phase === "main")) return;
	demand(!mayTryAgain(step), () => `${path} failed (${failure?.cause}), and its policy gives another try`);
};

export const checkOutcome = (run: ViewRun, { state }: Extract<JournalEvent, { kind: "runFinished" }>): void => {
	const main = [...run.steps.values()].filter(({ definition }) => definition.phase === "main");
	const has = (wanted: string): boolean => main.some(({ status }) => status === wanted);
	const open = [...run.steps.values()].find(({ status }) => !isFinal(status));
	demand(open === undefined, () => `${run.id} finished while ${open?.key} is ${open?.status}`);
	const failed = has("failed") || run.timedOut;
	const expected = run.cancelAsked || has("cancelled") ? "cancelled" : failed ? "failed" : "succeeded";
	demand(state === expected, () => `${run.id} finished as ${state}, its steps say ${expected}`);
};
