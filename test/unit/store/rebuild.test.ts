import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JournalEvent } from "#coordinator/core/events.ts";
import { openReadStore, type ReadStore } from "#coordinator/store/store.ts";
import type { PipelineDefinition } from "#shared/pipeline/definition.ts";
import { expandSteps } from "#shared/pipeline/expand.ts";
import { artifactOf, batchesOf, createStory, pipelineOf, type Story, stepOf } from "#test/support/journal-story.ts";

const RUNS = ["r0000000000001", "r0000000000002"];

/** Any acyclic pipeline: a step needs earlier ones. */
const pipelines = fc
	.array(fc.record({ cells: fc.integer({ min: 0, max: 3 }), needs: fc.array(fc.nat(5), { maxLength: 3 }) }), {
		minLength: 1,
		maxLength: 6,
	})
	.map((shapes) =>
		pipelineOf(
			"any",
			shapes.map(({ cells, needs }, index) =>
				stepOf(`s${index}`, {
					matrix: cells === 0 ? null : { cell: Array.from({ length: cells }, (_, cell) => cell) },
					needs: [...new Set(needs.filter((need) => need < index).map((need) => `s${need}`))],
				}),
			),
		),
	);

type Phase = "open" | "leased" | "running" | "final";

/** Walks a run's steps by the picks, as the core may: every event follows from the one before. */
function* walk(story: Story, definition: PipelineDefinition, picks: number[]): Generator<JournalEvent> {
	yield story.submitted(definition);
	const cells = expandSteps(definition);
	const phases = new Map(
		cells.map(({ key }) => [key as string, { phase: "open" as Phase, attempts: 0, passed: false }]),
	);
	for (const pick of picks) {
		const cell = cells[pick % cells.length];
		const step = phases.get(cell?.key ?? "");
		if (!cell || !step) return;
		const needed = cells.filter(({ definition: { name } }) => cell.definition.needs.includes(name));
		if (!needed.every(({ key }) => phases.get(key)?.passed)) continue;
		const { key } = cell;
		if (step.phase === "open") {
			yield story.leased(key, ++step.attempts);
			step.phase = "leased";
		} else if (step.phase === "leased") {
			yield story.started(key, step.attempts);
			step.phase = "running";
		} else if (step.phase === "running" && pick % 3 === 0) {
			yield story.ended(key, "failed", step.attempts);
			yield story.retry(key, pick % 2);
			step.phase = "open";
		} else if (step.phase === "running") {
			step.passed = pick % 5 !== 0;
			yield story.ended(key, step.passed ? "succeeded" : "failed", step.attempts);
			yield story.settled(key, step.passed ? "succeeded" : "failed", { outputs: [artifactOf("out", "ab")] });
			step.phase = "final";
		}
	}
	if ([...phases.values()].every(({ passed }) => passed)) yield story.finished("succeeded");
}

const journals = fc
	.tuple(pipelines, pipelines, fc.array(fc.nat(1_000), { maxLength: 120 }), fc.array(fc.nat(1_000), { maxLength: 60 }))
	.map(([first, second, picks, morePicks]) => {
		const [a, b] = [createStory(RUNS[0] ?? ""), createStory(RUNS[1] ?? "")];
		return [...walk(a, first, picks), ...walk(b, second, morePicks)];
	});

const answers = (store: ReadStore) => ({
	runs: store.runs({ limit: 10 }),
	details: RUNS.map((run) => store.run(run)),
	artifacts: RUNS.map((run) => store.artifacts(run)),
	counts: nonZero(store.counts()),
	events: store.events(null, null, 10_000),
});

/** A state that was reached and left counts 0; one never reached is not there. */
const nonZero = ({ runs, steps }: ReturnType<ReadStore["counts"]>) => ({
	runs,
	steps: Object.fromEntries(Object.entries(steps).filter(([, count]) => count !== 0)),
});

const projected = <T>(batches: ReturnType<typeof batchesOf>[], read: (store: ReadStore) => T): T => {
	const store = openReadStore(":memory:");
	try {
		for (const together of batches) store.project(together);
		return read(store);
	} finally {
		store.close();
	}
};

describe("the projection", () => {
	it("answers the same for a prefix, whether built at once, event by event, or with repeats", () => {
		fc.assert(
			fc.property(journals, fc.nat(200), fc.integer({ min: 1, max: 7 }), (journal, cut, size) => {
				const prefix = batchesOf(journal.slice(0, cut), 1);
				const atOnce = projected([prefix], answers);
				const oneByOne = prefix.map((batch) => [batch]);
				const repeated = oneByOne.flatMap((batch) => [batch, batch]);
				const grouped = Array.from({ length: Math.ceil(prefix.length / size) }, (_, index) =>
					prefix.slice(index * size, (index + 1) * size),
				);
				for (const order of [oneByOne, repeated, grouped]) expect(projected(order, answers)).toEqual(atOnce);
			}),
			{ numRuns: 30 },
		);
	});

	it("keeps counters and readiness equal to what the steps themselves say", () => {
		fc.assert(
			fc.property(journals, fc.nat(250), (journal, cut) => {
				const { details, counts } = projected([batchesOf(journal.slice(0, cut), 4)], answers);
				const all = details.flatMap((run) => run?.stepList ?? []);
				const byState = Object.fromEntries(
					Object.entries(Object.groupBy(all, ({ state }) => state)).map(([state, steps]) => [state, steps.length]),
				);
				expect(counts.steps).toEqual(byState);
				for (const run of details) {
					if (!run) continue;
					const count = (state: string) => run.stepList.filter((step) => step.state === state).length;
					expect(run.steps).toEqual({
						total: run.stepList.length,
						succeeded: count("succeeded"),
						failed: count("failed"),
						running: count("running"),
					});
					for (const step of run.stepList) {
						const needed = run.stepList.filter(({ name }) => step.needs.includes(name));
						const met = needed.every(({ state }) => state === "succeeded");
						expect(step.state === "waiting").toBe(!met);
						const lastSettled = Math.max(...needed.map(({ finishedAtMs }) => finishedAtMs ?? 0));
						if (step.state === "ready" && step.attempts.length === 0 && needed.length > 0) {
							expect(step.readyAtMs).toBe(lastSettled);
						}
					}
				}
			}),
			{ numRuns: 50 },
		);
	});
});
