/** `explain`: why a run, a step or an attempt is as it is. From the journal's events, and for what waits from the mesh now. */

import type { ExplainView, RunDetail, StepView, WaitView } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { RunId } from "#shared/ids.ts";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import type { ReadStore } from "../store/store.ts";
import { unknownStep } from "../unknown-step.ts";
import { attemptSummary } from "./attempt.ts";
import { runHints, stepHints } from "./hints.ts";
import { runSummary, runWaits } from "./run.ts";
import { stepSince, stepSummary } from "./step.ts";
import { attemptNumber, cacheAnswer, storyOf } from "./story.ts";

export interface ExplainSources {
	store: Pick<ReadStore, "run" | "source" | "runStory" | "stepStory">;
	/** By step key, of a run that goes on. */
	waits(runId: RunId): ReadonlyMap<string, WaitView[]>;
	nowMs: number;
}

export interface ExplainSubject {
	step?: string | undefined;
	attempt?: number | undefined;
}

export const explain = (sources: ExplainSources, runId: RunId, { step, attempt }: ExplainSubject): ExplainView => {
	const run = sources.store.run(runId);
	if (!run) throw new RunmeshError("RM_NOT_FOUND", `run ${runId} is not kept any more`);
	const waits: ReadonlyMap<string, WaitView[]> = run.finishedAtMs === null ? sources.waits(runId) : new Map();
	if (step === undefined) {
		if (attempt === undefined) return explainRun(sources, run, waits);
		throw new RunmeshError("RM_BAD_INPUT", "an attempt is one of a step: name the step too");
	}
	const view = stepNamed(run, step);
	return attempt === undefined
		? explainStep(sources, run, view, waits.get(view.key) ?? [])
		: explainAttempt(sources, run, view, attempt);
};

const explainRun = (
	{ store, nowMs }: ExplainSources,
	run: RunDetail,
	waits: ReadonlyMap<string, WaitView[]>,
): ExplainView => {
	const facts = { run, waits, nowMs };
	const held = runWaits(facts);
	const events = store.runStory(run.id);
	const since = { queued: run.submittedAtMs, running: run.submittedAtMs } as Partial<Record<string, number>>;
	const cancelled = events.findLast(({ kind }) => kind === "runCancelRequested")?.atMs;
	return {
		subject: "run",
		id: run.id,
		state: run.state,
		sinceMs: run.finishedAtMs ?? (run.state === "cancelling" ? cancelled : since[run.state]) ?? null,
		summary: runSummary(facts),
		waits: held,
		cache: null,
		story: storyOf(events, true),
		hints: runHints(run, held),
	};
};

const explainStep = (
	{ store, nowMs }: ExplainSources,
	run: RunDetail,
	step: StepView,
	waits: WaitView[],
): ExplainView => {
	const events = store.stepStory(run.id, step.key, step.name);
	const definition = definitionOf(store, run, step);
	const cache = cacheAnswer(events);
	const facts = { run, step, definition, events, waits, cache, nowMs };
	return {
		subject: "step",
		id: step.key,
		state: step.state,
		sinceMs: stepSince(facts),
		summary: stepSummary(facts),
		waits,
		cache,
		story: storyOf(events, false),
		hints: stepHints(run, step, definition, waits),
	};
};

const explainAttempt = (
	{ store, nowMs }: ExplainSources,
	run: RunDetail,
	step: StepView,
	number: number,
): ExplainView => {
	const attempt = step.attempts.find((each) => each.number === number);
	if (!attempt) {
		const had = step.attempts.map((each) => each.number).join(", ");
		throw new RunmeshError("RM_NOT_FOUND", `step ${step.key} of run ${run.id} has had no attempt ${number}`, {
			hint: had === "" ? "it has had none" : `it has had ${had}`,
		});
	}
	let current = 0;
	const events = store.stepStory(run.id, step.key, step.name).filter(({ kind, data }) => {
		if (typeof data.attemptId === "string") current = attemptNumber(data.attemptId);
		return current === number && (typeof data.attemptId === "string" || kind === "stepRetryScheduled");
	});
	return {
		subject: "attempt",
		id: attempt.id,
		state: attempt.state,
		sinceMs: attempt.finishedAtMs ?? attempt.startedAtMs ?? attempt.leasedAtMs,
		summary: attemptSummary({ step, definition: definitionOf(store, run, step), attempt, events, nowMs }),
		waits: [],
		cache: null,
		story: storyOf(events, false),
		hints:
			attempt.startedAtMs === null ? [] : [`its output: \`runmesh logs ${run.id} ${step.key} --attempt ${number}\``],
	};
};

const definitionOf = (store: ExplainSources["store"], run: RunDetail, { name }: StepView): StepDefinition | null =>
	store.source(run.id)?.definition.steps.find((each) => each.name === name) ?? null;

const stepNamed = (run: RunDetail, key: string): StepView => {
	const step = run.stepList.find((each) => each.key === key);
	if (step) return step;
	throw unknownStep(run.id as RunId, key, run.stepList);
};
