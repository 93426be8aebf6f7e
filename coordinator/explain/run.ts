/** Why a run is as it is, in one sentence, and what holds it up as a whole. */

import type { RunDetail, StepView, WaitView } from "#shared/api.ts";
import { whatItDoes } from "./step.ts";
import { count, duration, failureWords, isSettled, lastAttempt, listed, ran } from "./words.ts";

export interface RunFacts {
	run: RunDetail;
	/** By step key. */
	waits: ReadonlyMap<string, readonly WaitView[]>;
	nowMs: number;
}

export const runSummary = (facts: RunFacts): string => sentences[facts.run.state](facts);

type Sentence = (facts: RunFacts) => string;

const stepsIn = ({ run }: RunFacts, ...states: StepView["state"][]): StepView[] =>
	run.stepList.filter(({ state }) => states.includes(state));

const keysOf = (steps: readonly StepView[]): string => listed(steps.map(({ key }) => key));

const queued: Sentence = ({ run, waits }) => {
	const admission = [...waits.values()].flat().find((wait) => wait.for === "admission");
	const blockers = admission?.blockers.map(({ id, reason }) => `${id}, ${reason}`) ?? [];
	const what = admission?.what ?? run.reason;
	return `run ${run.id} waits for its turn: ${what}${blockers.length > 0 ? ` (${listed(blockers)})` : ""}`;
};

const running: Sentence = (facts) => {
	const { run, nowMs } = facts;
	const active = stepsIn(facts, "running", "leased");
	const settled = run.stepList.filter(isSettled).length;
	const done = `${settled} of ${count(run.steps.total, "step")} ${settled === 1 ? "is" : "are"} done`;
	const timedOut = run.reason === "" ? "" : `; ${run.reason}`;
	const [only] = active;
	if (only && active.length === 1)
		return `run ${run.id} goes on: ${done}; ${only.key} ${whatItDoes(only, facts)}${timedOut}`;
	if (only) return `run ${run.id} goes on: ${done}, ${active.length} run now (${keysOf(active)})${timedOut}`;
	const held = stepsIn(facts, "held");
	if (held.length > 0) return `run ${run.id} waits for a person: ${keysOf(held)} must be approved; ${done}`;
	const [soon] = stepsIn(facts, "backoff");
	const [ready] = stepsIn(facts, "ready");
	const wait = ready && facts.waits.get(ready.key)?.[0];
	if (ready) {
		const since = duration(nowMs - (ready.readyAtMs ?? nowMs));
		return `nothing of run ${run.id} runs: ${ready.key} has been ready for ${since}${wait ? `, but ${wait.what}` : ""}; ${done}`;
	}
	if (soon) return `nothing of run ${run.id} runs now: ${soon.key} ${whatItDoes(soon, facts)}; ${done}`;
	return `run ${run.id} goes on: ${done}${timedOut}`;
};

const cancelling: Sentence = (facts) => {
	const { run } = facts;
	const open = run.stepList.filter((step) => !isSettled(step));
	const left =
		open.length === 0 ? "it ends at once" : `${keysOf(open)} still ${open.length === 1 ? "has" : "have"} to stop`;
	return `run ${run.id} is being cancelled${run.reason === "" ? "" : ` (${run.reason})`}: ${left}`;
};

const took = ({ submittedAtMs, finishedAtMs }: RunDetail): string =>
	finishedAtMs === null ? "" : ` after ${duration(finishedAtMs - submittedAtMs)}`;

const succeeded: Sentence = (facts) => {
	const { run } = facts;
	const done = stepsIn(facts, "succeeded");
	const taken = done.filter(({ takenFrom }) => takenFrom !== null).length;
	const skipped = stepsIn(facts, "skipped").length;
	const { total } = run.steps;
	const all = total === 1 ? "its one step succeeded" : `all ${total} steps succeeded`;
	const parts = [done.length === total ? all : `${done.length} of ${total} steps succeeded`];
	if (taken > 0) parts.push(`${taken} of them with results of earlier runs`);
	if (skipped > 0) parts.push(`${skipped} skipped`);
	return `run ${run.id} succeeded${took(run)}: ${parts.join(", ")}`;
};

const failed: Sentence = (facts) => {
	const { run } = facts;
	const broken = stepsIn(facts, "failed");
	const [first] = broken.toSorted((a, b) => (a.finishedAtMs ?? 0) - (b.finishedAtMs ?? 0));
	const skipped = stepsIn(facts, "skipped").length;
	const behind = skipped === 0 ? "" : `; ${count(skipped, "step")} ${skipped === 1 ? "was" : "were"} skipped`;
	if (run.reason !== "") return `run ${run.id} failed${took(run)}: ${run.reason}${behind}`;
	if (!first) return `run ${run.id} failed${took(run)}`;
	const why = first.failure ? `: ${failureWords(first.failure)}` : "";
	const more = broken.length > 1 ? `, and ${broken.length - 1} more failed` : "";
	return `run ${run.id} failed${took(run)}, since ${first.key} failed${ran(lastAttempt(first))}${why}${more}${behind}`;
};

const cancelled: Sentence = (facts) => {
	const { run } = facts;
	if (run.reason !== "") return `run ${run.id} was cancelled${took(run)}: ${run.reason}`;
	const stopped = stepsIn(facts, "cancelled");
	const [only] = stopped;
	const why = only?.reason ? `: ${only.reason}` : "";
	return `run ${run.id} ended as cancelled${took(run)}, since ${keysOf(stopped)} ${stopped.length === 1 ? "was" : "were"} cancelled${why}`;
};

const sentences: Record<RunDetail["state"], Sentence> = { queued, running, cancelling, succeeded, failed, cancelled };

/** More kinds of wait than that say nothing more. */
const WAITS_MAX = 10;

/** The waits of its steps, those for the same told once; and the steps that run. */
export const runWaits = (facts: RunFacts): WaitView[] => {
	const { run, waits } = facts;
	const groups = new Map<string, { keys: string[]; wait: WaitView }>();
	for (const { key } of run.stepList) {
		for (const wait of waits.get(key) ?? []) {
			if (wait.for === "needs") continue;
			const same = `${wait.for} ${wait.what}`;
			const group = groups.get(same);
			if (!group) groups.set(same, { keys: [key], wait });
			else {
				group.keys.push(key);
				group.wait = { ...group.wait, sinceMs: earlier(group.wait.sinceMs, wait.sinceMs) };
			}
		}
	}
	const told = [...groups.values()].map(({ keys, wait }) => ({
		...wait,
		what: wait.for === "admission" ? wait.what : `${listed(keys)}: ${wait.what}`,
	}));
	return [...told.slice(0, WAITS_MAX), ...ends(facts)];
};

const earlier = (a: number | null, b: number | null): number | null =>
	a === null || b === null ? (a ?? b) : Math.min(a, b);

const BLOCKERS_MAX = 20;

const ends = (facts: RunFacts): WaitView[] => {
	const active = stepsIn(facts, "running");
	if (active.length === 0) return [];
	return [
		{
			for: "end",
			what: `${active.length === 1 ? "a step runs" : `${active.length} steps run`}: ${keysOf(active)}`,
			sinceMs: active.reduce((least: number | null, { startedAtMs }) => earlier(least, startedAtMs), null),
			blockers: active
				.slice(0, BLOCKERS_MAX)
				.map((step) => ({ kind: "step", id: step.key, reason: whatItDoes(step, facts) })),
		},
	];
};
