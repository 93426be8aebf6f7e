/** Why a step is as it is, in one sentence. */

import type { EventView, ExplainView, RunDetail, StepView, WaitView } from "#shared/api.ts";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { agentsOf, duration, failureWords, howItEnded, isSettled, lastAttempt, listed, ran } from "./words.ts";

export interface StepFacts {
	run: RunDetail;
	step: StepView;
	/** null where the run's definition is not kept. */
	definition: StepDefinition | null;
	/** Of this step and of its run as a whole, the oldest first. */
	events: readonly EventView[];
	waits: readonly WaitView[];
	cache: ExplainView["cache"];
	nowMs: number;
}

export const stepSummary = (facts: StepFacts): string => `${sentences[facts.step.state](facts)}${missed(facts)}`;

/** Since when it is so. */
export const stepSince = ({ run, step, events }: StepFacts): number | null => {
	const attempt = lastAttempt(step);
	switch (step.state) {
		case "waiting":
			return run.submittedAtMs;
		case "held":
			return events.findLast(({ kind }) => kind === "approvalRequested")?.atMs ?? step.readyAtMs;
		case "leased":
			return attempt?.leasedAtMs ?? null;
		case "running":
			return attempt?.startedAtMs ?? step.startedAtMs;
		case "backoff":
			return attempt?.finishedAtMs ?? null;
		case "ready":
			return step.readyAtMs;
		default:
			return step.finishedAtMs;
	}
};

type Sentence = (facts: StepFacts) => string;

const waiting: Sentence = (facts) => {
	const { run, step, waits } = facts;
	const admission = waits.find((wait) => wait.for === "admission");
	if (admission) return `${step.key} waits with its whole run: ${admission.what}`;
	const open = run.stepList.filter(({ name }) => step.needs.includes(name)).filter((need) => !isSettled(need));
	if (open.length === 0)
		return `${step.key} waits: ${waits[0]?.what ?? "what it needs has settled, it goes on at once"}`;
	const roots = rootsOf(run, step);
	const direct = roots.length === open.length && roots.every((root) => open.includes(root));
	const now = listed(roots.map((root) => `${root.key}, which ${whatItDoes(root, facts)}`));
	if (direct) return `${step.key} waits for ${now}`;
	return `${step.key} waits for ${listed(open.map(({ key }) => key))}; what holds it up now is ${now}`;
};

/** Steps before it that wait for no other. */
const rootsOf = (run: RunDetail, step: StepView): StepView[] => {
	const byName = Map.groupBy(run.stepList, ({ name }) => name);
	const seen = new Set<string>();
	const roots: StepView[] = [];
	const pending = [...step.needs];
	for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
		if (seen.has(name)) continue;
		seen.add(name);
		const open = (byName.get(name) ?? []).filter((need) => !isSettled(need));
		roots.push(...open.filter(({ state }) => state !== "waiting"));
		if (open.some(({ state }) => state === "waiting")) pending.push(...(open[0]?.needs ?? []));
	}
	return roots;
};

/** Of a step that has not settled. */
export const whatItDoes = (step: StepView, { nowMs }: Pick<StepFacts, "nowMs">): string => {
	const attempt = lastAttempt(step);
	const on = attempt ? ` on ${agentsOf(attempt)}` : "";
	switch (step.state) {
		case "running":
			return `has been running${on} for ${duration(nowMs - (attempt?.startedAtMs ?? step.startedAtMs ?? nowMs))}`;
		case "leased":
			return `was given to ${attempt ? agentsOf(attempt) : "an agent"} and has not started yet`;
		case "held":
			return "waits for a person's approval";
		case "backoff":
			return `is to be started again${attempt ? `: attempt ${attempt.number} ${howItEnded(attempt)}` : ""}`;
		case "ready":
			return step.reason ? `is ready but ${lower(step.reason)}` : "is ready to be placed on an agent";
		default:
			return `is ${step.state}`;
	}
};

/** What its agent does for it first. */
const preparing = ({ waits }: StepFacts): string => {
	const wait = waits.find(({ blockers }) => blockers.some(({ kind }) => kind === "agent"));
	return wait ? `: ${wait.what}` : "";
};

const lower = (reason: string): string => (/^(no|its|an|agents)\b/.test(reason) ? reason : `waits: ${reason}`);

const ready: Sentence = ({ step, waits, nowMs }) => {
	const [wait] = waits;
	const since = duration(nowMs - (step.readyAtMs ?? nowMs));
	if (!wait) return `${step.key} is ready, since ${since}, and is placed next`;
	const holders = wait.for === "concurrency" || wait.for === "cache" ? wait.blockers.map(({ id }) => id) : [];
	return `${step.key} has been ready for ${since}: ${wait.what}${holders.length > 0 ? ` (${listed(holders)})` : ""}`;
};

const running: Sentence = (facts) => {
	const { step, nowMs, definition } = facts;
	const attempt = lastAttempt(step);
	const stopping = stopWords(facts);
	if (!attempt && definition?.action.kind === "deploy") {
		const since = duration(nowMs - (step.startedAtMs ?? nowMs));
		return `${step.key} has waited for its replicas to serve for ${since}${stopping}`;
	}
	return `${step.key} ${whatItDoes(step, facts)}${earlierAttempts(step)}${stopping || standing(facts)}`;
};

/** Of a step that runs and goes no further for now. */
const standing = ({ waits }: StepFacts): string => (waits[0] ? `; ${waits[0].what}` : "");

/** Of a step that has not ended, though it or its run was told to. */
const stopWords = ({ run, step }: StepFacts): string => {
	if (step.reason !== "") return `; ${step.reason}`;
	if (run.state !== "cancelling") return "";
	return `; its run is being cancelled${run.reason === "" ? "" : `: ${run.reason}`}`;
};

/** ", at attempt 3: attempt 1 failed (exit code 1), attempt 2 was lost" */
const earlierAttempts = ({ attempts }: StepView): string => {
	const last = attempts.at(-1);
	if (!last || attempts.length < 2) return "";
	const before = attempts.slice(0, -1).map((attempt) => `attempt ${attempt.number} ${howItEnded(attempt)}`);
	return `, at attempt ${last.number}: ${listed(before)}`;
};

const backoff: Sentence = ({ step, events, nowMs }) => {
	const scheduled = events.findLast(({ kind }) => kind === "stepRetryScheduled");
	const { notBeforeMs = nowMs, reason = "" } = (scheduled?.data ?? {}) as { notBeforeMs?: number; reason?: string };
	const when = notBeforeMs > nowMs ? `in ${duration(notBeforeMs - nowMs)}` : "now";
	const attempt = lastAttempt(step);
	const ended = attempt ? `attempt ${attempt.number} ${howItEnded(attempt)}` : "";
	const why = ended && !reason.startsWith("attempt") ? ended : [ended, retryCount(reason)].filter(Boolean).join(", ");
	return `${step.key} is started again ${when}: ${why || reason}`;
};

/** "this is retry 1 of 2" */
const retryCount = (reason: string): string => {
	const found = /retry \d+ of \d+/.exec(reason);
	return found ? `this is ${found[0]}` : "";
};

const held: Sentence = ({ run, step, waits, nowMs, events }) => {
	const since = duration(nowMs - (stepSinceHeld(events) ?? step.readyAtMs ?? nowMs));
	const asked = events.findLast(({ kind }) => kind === "approvalRequested")?.data.message;
	const message = typeof asked === "string" && asked !== "" ? `: ${asked}` : "";
	return waits.length === 0 && run.finishedAtMs !== null
		? `${step.key} waited for approval${message}`
		: `${step.key} has waited for a person's approval for ${since}${message}`;
};

const stepSinceHeld = (events: readonly EventView[]): number | undefined =>
	events.findLast(({ kind }) => kind === "approvalRequested")?.atMs;

const succeeded: Sentence = ({ step, definition, cache }) => {
	const { key, takenFrom, reason } = step;
	if (takenFrom && cache?.hit) {
		return `${key} did not run: nothing that it depends on differs from ${takenFrom.step} of run ${takenFrom.run}, so its result was taken`;
	}
	if (takenFrom) return `${key} did not run: its result was taken from run ${takenFrom.run}, as this run was asked to`;
	if (step.attempts.length > 0) return `${key} succeeded${ran(lastAttempt(step))}${earlierAttempts(step)}`;
	switch (definition?.action.kind) {
		case "select":
			return `${key} chose ${reason}`;
		case "approve":
			return `${key} was ${reason || "approved"}`;
		case "collect":
			return `${key} succeeded: all steps of its sub-pipeline have`;
		default:
			return `${key} succeeded${reason === "" ? "" : `: ${reason}`}`;
	}
};

const failed: Sentence = (facts) => {
	const { step } = facts;
	const { failure, reason, key } = step;
	if (failure?.cause === "rejected") return `${key} was ${failure.message}`;
	const why = failure ? failureWords(failure) : reason;
	return `${key} failed${ran(lastAttempt(step))}${why === "" ? "" : `: ${why}`}${whyNotAgain(facts)}`;
};

/** Why there was no further attempt. */
const whyNotAgain = ({ run, step, definition }: StepFacts): string => {
	const { failure, attempts } = step;
	if (!definition || !failure || attempts.length === 0 || failure.cause === "lost") return "";
	const { max, on, exitCodes } = definition.retries;
	const fails = attempts.filter(({ state }) => state === "failed").length;
	if (run.reason !== "" && failure.message === run.reason) return "";
	if (max === 0) return "; it has no retries";
	const isOtherExit = failure.cause === "error" && exitCodes.length > 0 && !exitCodes.includes(failure.exitCode ?? -1);
	if (isOtherExit || !on.includes(failure.cause)) {
		const what =
			failure.cause === "error" && exitCodes.length > 0 ? `exit code ${failure.exitCode ?? "?"}` : failure.cause;
		return `; it is not tried again, since its \`retries\` do not name ${what}`;
	}
	return fails > max ? `; ${max === 1 ? "its one retry is" : `its ${max} retries are`} used up` : "";
};

const cancelled: Sentence = ({ step, run }) => {
	const asked =
		step.reason === "the run was cancelled"
			? `the run was cancelled${run.reason ? ` (${run.reason})` : ""}`
			: step.reason;
	return `${step.key} was cancelled${ran(lastAttempt(step))}${asked === "" ? "" : `: ${asked}`}`;
};

const skipped: Sentence = ({ step, run }) => {
	const { key, reason } = step;
	if (reason === "not asked for") return `${key} was left out: this run was asked for other steps`;
	if (reason.startsWith("`if`")) return `${key} was skipped, for its ${reason}`;
	const behind = /^(\S+) (failed|cancelled|skipped)$/.exec(reason);
	if (!behind) return `${key} was skipped${reason === "" ? "" : `: ${reason}`}`;
	const [, blocker = "", how = ""] = behind;
	const root = rootOfSkip(run, blocker);
	const word = how === "failed" ? "failed" : `was ${how}`;
	if (!root || root.key === blocker) return `${key} was skipped, since ${blocker} ${word}${why(root)}`;
	const rootWord = root.state === "failed" ? "failed" : `was ${root.state}`;
	return `${key} was skipped, since ${blocker} ${word}; it began with ${root.key}, which ${rootWord}${why(root)}`;
};

const why = (step: StepView | undefined): string => {
	if (!step) return "";
	const words = step.failure ? failureWords(step.failure) : step.reason;
	return words === "" ? "" : `: ${words}`;
};

/** The step that the row of skipped ones began with. */
export const rootOfSkip = (run: RunDetail, key: string): StepView | undefined => {
	const byKey = new Map(run.stepList.map((step) => [step.key, step]));
	let step = byKey.get(key);
	for (let hops = run.stepList.length; step?.state === "skipped" && hops > 0; hops--) {
		const before = byKey.get(/^(\S+) (failed|cancelled|skipped)$/.exec(step.reason)?.[1] ?? "");
		if (!before) return step;
		step = before;
	}
	return step;
};

const sentences: Record<StepView["state"], Sentence> = {
	waiting,
	ready,
	leased: (facts) =>
		`${facts.step.key} ${whatItDoes(facts.step, facts)}${preparing(facts)}${earlierAttempts(facts.step)}`,
	running,
	backoff,
	held,
	succeeded,
	failed,
	cancelled,
	skipped,
};

/** What the cache lacked, of a step that was run for it. */
const missed = ({ step, cache }: StepFacts): string => {
	if (!cache || cache.hit || step.attempts.length === 0) return "";
	const nearest = cache.source ? ` (nearest: ${cache.source.step} of run ${cache.source.run})` : "";
	return `; not from the cache${nearest}: ${cache.reason}`;
};
