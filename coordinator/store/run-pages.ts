/** Pages of runs, the newest first, by any of the filters: every page costs about the same, however deep it lies. */

import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { Page, RunState, RunSummary } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import { type Query, query } from "./database.ts";
import { searchQuery } from "./run-search.ts";

export interface RunFilter {
	state?: RunState | undefined;
	pipeline?: string | undefined;
	submitter?: string | undefined;
	/** Submitted then or later. */
	since?: number | undefined;
	/** Submitted before. */
	until?: number | undefined;
	/** Words that are looked for (run-search.ts). */
	search?: string | undefined;
	limit: number;
	/** A run's id: the page begins behind it. */
	before?: string | undefined;
}

export interface RunRow {
	n: number;
	id: string;
	pipeline: string;
	state: RunState;
	submitter: string;
	params: string;
	submitted_at: number;
	finished_at: number | null;
	reason: string;
	based_on: string | null;
	total: number;
	succeeded: number;
	failed: number;
	running: number;
}

type Condition = [sql: string, ...values: SQLInputValue[]];

export const openRunPages = (database: DatabaseSync): ((filter: RunFilter) => Page<RunSummary>) => {
	const position = query<{ n: number }>(database, "SELECT n FROM runs WHERE id = ?");
	// No leader's time goes behind that of an event before: positions are in the order of times.
	const firstSince = query<{ n: number }>(
		database,
		"SELECT n FROM runs WHERE submitted_at >= ? ORDER BY submitted_at, n LIMIT 1",
	);
	const lastUntil = query<{ n: number }>(
		database,
		"SELECT n FROM runs WHERE submitted_at < ? ORDER BY submitted_at DESC, n DESC LIMIT 1",
	);
	const pages = new Map<string, Query<RunRow>>();

	/** null when nothing can match. `n` is the column that the page is ordered by. */
	const conditionsOf = (filter: RunFilter, words: string | null, n: string): Condition[] | null => {
		const { state, pipeline, submitter, since, until, before } = filter;
		const conditions: Condition[] = words === null ? [] : [["run_words MATCH ?", words]];
		if (state !== undefined) conditions.push(["state = ?", state]);
		if (pipeline !== undefined) conditions.push(["pipeline = ?", pipeline]);
		if (submitter !== undefined) conditions.push(["submitter = ?", submitter]);
		if (before !== undefined) conditions.push([`${n} < ?`, positionOf(before)]);
		if (since !== undefined) {
			const first = firstSince.get(since);
			if (!first) return null;
			conditions.push([`${n} >= ?`, first.n]);
		}
		if (until !== undefined) {
			const last = lastUntil.get(until);
			if (!last) return null;
			conditions.push([`${n} <= ?`, last.n]);
		}
		return conditions;
	};

	const positionOf = (id: string): number => {
		const run = position.get(id);
		if (!run) throw new RunmeshError("RM_BAD_INPUT", `before=${id} is no run`, { hint: "pass a page's `next`" });
		return run.n;
	};

	const pageOf = (from: string, conditions: readonly Condition[], n: string): Query<RunRow> => {
		const where = conditions.map(([sql]) => sql).join(" AND ");
		let page = pages.get(where);
		if (!page) {
			page = query(database, `SELECT runs.* FROM ${from} ${where && `WHERE ${where}`} ORDER BY ${n} DESC LIMIT ?`);
			pages.set(where, page);
		}
		return page;
	};

	return (filter) => {
		const search = filter.search?.trim() ?? "";
		const words = search === "" ? null : searchQuery(search);
		if (search !== "" && words === null) return { items: [], next: null };
		// What was found comes in the order of the runs: the first of it make the page.
		const from = words === null ? "runs" : "run_words CROSS JOIN runs ON runs.n = run_words.rowid";
		const n = words === null ? "n" : "run_words.rowid";
		const conditions = conditionsOf(filter, words, n);
		if (conditions === null) return { items: [], next: null };
		const values = conditions.flatMap(([, ...rest]) => rest);
		const rows = pageOf(from, conditions, n).all(...values, filter.limit + 1);
		const items = rows.slice(0, filter.limit).map(summaryOf);
		return { items, next: rows.length > filter.limit ? (items.at(-1)?.id ?? null) : null };
	};
};

export const summaryOf = (row: RunRow): RunSummary => ({
	id: row.id,
	pipeline: row.pipeline,
	state: row.state,
	submitter: row.submitter,
	submittedAtMs: row.submitted_at,
	finishedAtMs: row.finished_at,
	reason: row.reason,
	basedOn: row.based_on,
	steps: { total: row.total, succeeded: row.succeeded, failed: row.failed, running: row.running },
});
