/** 100,000 runs of three steps: how fast they are taken in, what questions cost, and what shortening them costs. */

import { statSync } from "node:fs";
import type { RunFilter } from "#coordinator/store/run-pages.ts";
import { openReadStore, type ReadStore } from "#coordinator/store/store.ts";
import type { BenchContext, Part } from "../benchmark.ts";
import { type Measured, percentile } from "../figures.ts";
import { withHome } from "../harness.ts";
import { batches, FAILED_EVERY, RUN_EVERY_MS, smallRun } from "./journal.ts";

const START_MS = 1_700_000_000_000;
const EVENTS_PER_BATCH = 200;
const BATCHES_AT_ONCE = 50;
const ROUNDS = 40;
const LIMIT = 50;
const QUERY_BUDGET_MS = 25;
const SLICE_MS = 4;

export const longHistory: Part = {
	metrics: [
		"project_events_per_s",
		"list_p99_ms",
		"deep_page_p99_ms",
		"filter_p99_ms",
		"search_p99_ms",
		"prune_slice_max_ms",
		"database_100k_runs_mb",
	],
	measure: (context) =>
		withHome(async ({ readStore }) => {
			const runs = context.quick ? 1_000 : 100_000;
			const store = openReadStore(readStore);
			try {
				const rate = take(store, runs, context);
				const asked = ask(store, runs, context);
				const bytes = statSync(readStore).size;
				return [
					{ metric: "project_events_per_s", value: rate, unit: "events/s", budget: { atLeast: 20_000 } },
					...asked,
					prune(store, runs, context),
					{ metric: "database_100k_runs_mb", value: bytes / 1024 ** 2, unit: "MB" },
				];
			} finally {
				store.close();
			}
		}),
};

const take = (store: ReadStore, runs: number, { note }: BenchContext): number => {
	let events = 0;
	let spentMs = 0;
	const all = function* () {
		for (let index = 0; index < runs; index++) yield* smallRun(index, START_MS);
	};
	let waiting: Parameters<ReadStore["project"]>[0][number][] = [];
	const project = (): void => {
		const startedAt = performance.now();
		store.project(waiting);
		spentMs += performance.now() - startedAt;
		waiting = [];
	};
	for (const batch of batches(all(), EVENTS_PER_BATCH, 1)) {
		events += batch.events.length;
		waiting.push(batch);
		if (waiting.length === BATCHES_AT_ONCE) project();
	}
	project();
	note(`${events} events of ${runs} runs taken in ${(spentMs / 1000).toFixed(1)} s`);
	return (events / spentMs) * 1000;
};

const ask = (store: ReadStore, runs: number, { note }: BenchContext): Measured[] => {
	const p99 = (what: string, filters: (round: number) => Partial<RunFilter>): number => {
		const samples = Array.from({ length: ROUNDS }, (_, round) => {
			const filter = filters(round);
			const startedAt = performance.now();
			JSON.stringify(store.runs({ limit: LIMIT, ...filter }));
			return performance.now() - startedAt;
		});
		const [middle, high] = [percentile(samples, 0.5), percentile(samples, 0.99)];
		note(`${what}: p50 ${middle.toFixed(2)} ms, p99 ${high.toFixed(2)} ms`);
		return high;
	};
	const most = (values: number[]): number => Math.max(...values);
	/** The cursor of a page somewhere. */
	const before = (round: number): string => {
		const until = START_MS + Math.ceil((runs * (round + 1)) / (ROUNDS + 1)) * RUN_EVERY_MS;
		return store.runs({ limit: 1, until }).items[0]?.id ?? "";
	};
	const list = p99("the newest page", () => ({}));
	const deep = p99("a page somewhere in all", (round) => ({ before: before(round) }));
	const filter = most([
		p99("by state, one in a hundred", () => ({ state: "failed" })),
		p99("by state, deep", (round) => ({ state: "failed", before: before(round) })),
		p99("by a state without runs", () => ({ state: "queued" })),
		p99("by pipeline", (round) => ({ pipeline: `pipeline-${round}` })),
		p99("by pipeline and state", (round) => ({ pipeline: `pipeline-${round}`, state: "failed" })),
		p99("by submitter, deep", (round) => ({ submitter: `user-${round % 20}`, before: before(round) })),
		p99("by time, an old day", (round) => {
			const since = START_MS + round * 86_400_000;
			return { since, until: since + 86_400_000 };
		}),
		p99("by submitter, state and time", (round) => ({
			submitter: `user-${round % 20}`,
			state: "failed",
			since: START_MS,
		})),
	]);
	const search = most([
		p99("search for a common word", () => ({ search: "pipeline" })),
		p99("search for a parameter's value", (round) => ({ search: `data=set-${round}` })),
		p99("search for one run's parameter", (round) => ({ search: `seed=${round * FAILED_EVERY}` })),
		p99("search for a common word, deep", (round) => ({ search: "user pipeline", before: before(round) })),
		p99("search for words and a state", () => ({ search: "user", state: "failed" })),
		p99("search for what is nowhere", () => ({ search: "pipeline nowhere" })),
	]);
	const budget = { atMost: QUERY_BUDGET_MS };
	return [
		{ metric: "list_p99_ms", value: list, unit: "ms", budget },
		{ metric: "deep_page_p99_ms", value: deep, unit: "ms", budget },
		{ metric: "filter_p99_ms", value: filter, unit: "ms", budget },
		{ metric: "search_p99_ms", value: search, unit: "ms", budget },
	];
};

/** The oldest tenth leaves; the loop is held for one slice at a time. */
const prune = ({ history }: ReadStore, runs: number, { note }: BenchContext): Measured => {
	const cutoff = START_MS + (runs / 10) * RUN_EVERY_MS;
	const slices: number[] = [];
	const timed = <T>(work: () => T): T => {
		const startedAt = performance.now();
		const result = work();
		slices.push(performance.now() - startedAt);
		return result;
	};
	let removed = 0;
	for (
		let left = timed(() => history.leave(0, cutoff));
		left;
		left = timed(() => history.leave(left?.finishedAtMs ?? 0, cutoff))
	) {
		const { run } = left;
		while (!timed(() => history.removeRows(run, SLICE_MS)));
		history.forget(run);
		removed++;
	}
	note(
		`${removed} runs left; a slice: p50 ${percentile(slices, 0.5).toFixed(2)} ms, p99 ${percentile(slices, 0.99).toFixed(2)} ms`,
	);
	return { metric: "prune_slice_max_ms", value: Math.max(...slices), unit: "ms", budget: { atMost: 10 } };
};
