/** Runs as the API shows them: pages, one in full, and the short ways to name one. */

import type { DatabaseSync } from "node:sqlite";
import type {
	AttemptState,
	AttemptView,
	Page,
	RunDetail,
	RunState,
	RunSummary,
	StepState,
	StepView,
} from "#shared/api.ts";
import type { ArtifactRef, Metric } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Digest, RunId } from "#shared/ids.ts";
import { type Query, query } from "./database.ts";

export interface RunFilter {
	state?: RunState | undefined;
	pipeline?: string | undefined;
	limit: number;
	/** A run's id: the page begins behind it. */
	before?: string | undefined;
}

export interface RunQueries {
	runs(filter: RunFilter): Page<RunSummary>;
	run(id: string): RunDetail | null;
	resolveRun(prefixOrLatest: string): RunId;
}

interface RunRow {
	n: number;
	id: string;
	pipeline: string;
	state: RunState;
	submitter: string;
	params: string;
	submitted_at: number;
	finished_at: number | null;
	total: number;
	succeeded: number;
	failed: number;
	running: number;
}

interface StepRow {
	key: string;
	name: string;
	matrix: string;
	state: StepState;
	reason: string;
	failure: string | null;
	metrics: string;
	ready_at: number | null;
	started_at: number | null;
	finished_at: number | null;
}

interface AttemptRow {
	id: string;
	step: string;
	number: number;
	state: AttemptState;
	agent: string;
	leased_at: number;
	started_at: number | null;
	finished_at: number | null;
	failure: string | null;
	reason: string;
}

interface GroupRow {
	name: string;
	needs: string;
	cells: number;
	open_cells: number;
}

export interface ArtifactRow {
	step: string;
	name: string;
	digest: string;
	size_bytes: number;
	file_count: number;
	holders: string;
}

interface LiveMetricRow {
	attempt: string;
	name: string;
	last_step: number;
	last_value: number;
}

/** Named when a short id fits several. */
const CANDIDATES = 5;

export const openRunQueries = (database: DatabaseSync): RunQueries => {
	const sql = {
		run: query<RunRow>(database, "SELECT * FROM runs WHERE id = ?"),
		latest: query<{ id: RunId }>(database, "SELECT id FROM runs ORDER BY n DESC LIMIT 1"),
		prefixed: query<{ id: RunId }>(
			database,
			`SELECT id FROM runs WHERE id >= ?1 AND id < ?1 || char(0x10ffff) ORDER BY id LIMIT ${CANDIDATES + 1}`,
		),
		steps: query<StepRow>(
			database,
			`SELECT key, name, matrix, state, reason, failure, metrics, ready_at, started_at, finished_at
				FROM steps WHERE run = ? ORDER BY n`,
		),
		groups: query<GroupRow>(database, "SELECT name, needs, cells, open_cells FROM step_groups WHERE run = ?"),
		attempts: query<AttemptRow>(
			database,
			`SELECT id, step, number, state, agent, leased_at, started_at, finished_at, failure, reason
				FROM attempts WHERE run = ? ORDER BY n`,
		),
		artifacts: query<ArtifactRow>(database, "SELECT * FROM artifacts WHERE run = ?"),
		liveMetrics: query<LiveMetricRow>(
			database,
			`SELECT attempt, metric_series.name, last_step, last_value
				FROM steps JOIN attempts ON attempts.run = steps.run AND attempts.step = steps.key
				JOIN metric_series ON metric_series.attempt = attempts.id
				WHERE steps.run = ? AND steps.finished_at IS NULL ORDER BY metric_series.n`,
		),
	};
	const pages = new Map<string, Query<RunRow>>();

	const runs = ({ state, pipeline, limit, before }: RunFilter): Page<RunSummary> => {
		const conditions: [string, string | number][] = [];
		if (state !== undefined) conditions.push(["state = ?", state]);
		if (pipeline !== undefined) conditions.push(["pipeline = ?", pipeline]);
		if (before !== undefined) conditions.push(["n < ?", positionOf(before)]);
		const where = conditions.length > 0 ? `WHERE ${conditions.map(([condition]) => condition).join(" AND ")}` : "";
		let page = pages.get(where);
		if (!page) {
			page = query<RunRow>(database, `SELECT * FROM runs ${where} ORDER BY n DESC LIMIT ?`);
			pages.set(where, page);
		}
		const rows = page.all(...conditions.map(([, value]) => value), limit + 1);
		const items = rows.slice(0, limit).map(summaryOf);
		return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
	};

	const positionOf = (id: string): number => {
		const run = sql.run.get(id);
		if (!run) throw new RunmeshError("RM_BAD_INPUT", `before=${id} is no run`, { hint: "pass a page's `next`" });
		return run.n;
	};

	const run = (id: string): RunDetail | null => {
		const row = sql.run.get(id);
		if (!row) return null;
		const groups = new Map(sql.groups.all(id).map((group) => [group.name, group]));
		const attempts = Map.groupBy(sql.attempts.all(id), ({ step }) => step);
		const artifacts = Map.groupBy(sql.artifacts.all(id), ({ step }) => step);
		const live = Map.groupBy(sql.liveMetrics.all(id), ({ attempt }) => attempt);
		const stepList = sql.steps.all(id).map((step): StepView => {
			const tries = attempts.get(step.key) ?? [];
			const needs = JSON.parse(groups.get(step.name)?.needs ?? "[]") as string[];
			return {
				key: step.key,
				name: step.name,
				matrix: JSON.parse(step.matrix),
				needs,
				state: step.state,
				reason: step.state === "waiting" ? waitsFor(needs, groups) : step.reason,
				failure: parsed(step.failure),
				readyAtMs: step.ready_at,
				startedAtMs: step.started_at,
				finishedAtMs: step.finished_at,
				outputs: (artifacts.get(step.key) ?? []).map(artifactOf),
				metrics:
					step.finished_at === null ? (live.get(tries.at(-1)?.id ?? "") ?? []).map(metricOf) : JSON.parse(step.metrics),
				attempts: tries.map(attemptOf),
			};
		});
		return { ...summaryOf(row), params: JSON.parse(row.params), stepList };
	};

	const resolveRun = (prefixOrLatest: string): RunId => {
		if (prefixOrLatest === "latest") {
			const latest = sql.latest.get();
			if (latest) return latest.id;
			throw new RunmeshError("RM_NOT_FOUND", "no run has been submitted yet", { hint: "start one with `runmesh run`" });
		}
		const exact = sql.run.get(prefixOrLatest);
		if (exact) return exact.id as RunId;
		const [first, ...others] = prefixOrLatest === "" ? [] : sql.prefixed.all(prefixOrLatest);
		if (!first) {
			throw new RunmeshError("RM_NOT_FOUND", `no run "${prefixOrLatest}"`, { hint: "see `runmesh runs ls`" });
		}
		if (others.length === 0) return first.id;
		const candidates = [first, ...others].slice(0, CANDIDATES).map(({ id }) => id);
		const more = others.length >= CANDIDATES ? " and more" : "";
		throw new RunmeshError("RM_AMBIGUOUS", `"${prefixOrLatest}" fits ${candidates.join(", ")}${more}`, {
			hint: "give more of the id, or latest",
			details: { candidates },
		});
	};

	return { runs, run, resolveRun };
};

const summaryOf = (row: RunRow): RunSummary => ({
	id: row.id,
	pipeline: row.pipeline,
	state: row.state,
	submitter: row.submitter,
	submittedAtMs: row.submitted_at,
	finishedAtMs: row.finished_at,
	steps: { total: row.total, succeeded: row.succeeded, failed: row.failed, running: row.running },
});

const attemptOf = (row: AttemptRow): AttemptView => ({
	id: row.id,
	number: row.number,
	state: row.state,
	agent: row.agent,
	leasedAtMs: row.leased_at,
	startedAtMs: row.started_at,
	finishedAtMs: row.finished_at,
	failure: parsed(row.failure),
	reason: row.reason,
});

export const artifactOf = (row: ArtifactRow): ArtifactRef => ({
	name: row.name,
	digest: row.digest as Digest,
	sizeBytes: row.size_bytes,
	fileCount: row.file_count,
	holders: JSON.parse(row.holders),
});

const metricOf = ({ name, last_step, last_value }: LiveMetricRow): Metric => ({
	name,
	value: last_value,
	step: last_step,
});

/** "waits for prepare, train (3 of 4 cells open)" */
const waitsFor = (needs: string[], groups: Map<string, GroupRow>): string => {
	const open = needs.flatMap((need) => {
		const group = groups.get(need);
		if (!group || group.open_cells === 0) return [];
		return group.cells === 1 ? need : `${need} (${group.open_cells} of ${group.cells} cells open)`;
	});
	return open.length > 0 ? `waits for ${open.join(", ")}` : "";
};

const parsed = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T));
