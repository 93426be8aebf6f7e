/** Runs as the API shows them: pages, one in full, what it was made from, and the short ways to name one. */

import type { DatabaseSync } from "node:sqlite";
import type { AttemptState, AttemptView, Page, RunDetail, RunSummary, StepState, StepView } from "#shared/api.ts";
import type { ArtifactRef, Metric } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Digest, RunId } from "#shared/ids.ts";
import type { ParamValue, PipelineDefinition } from "#shared/pipeline/definition.ts";
import { readStoredDefinition } from "#shared/pipeline/stored.ts";
import type { CacheMode } from "../core/events.ts";
import { query } from "./database.ts";
import { openRunPages, type RunFilter, type RunRow, summaryOf } from "./run-pages.ts";

/** What a run can be made again from. */
export interface RunSource {
	definition: PipelineDefinition;
	params: Record<string, ParamValue>;
	code: ArtifactRef | null;
	cacheMode: CacheMode;
	/** Names of steps that were not asked for. */
	leftOut: string[];
}

export interface RunQueries {
	runs(filter: RunFilter): Page<RunSummary>;
	run(id: string): RunDetail | null;
	resolveRun(prefixOrLatest: string): RunId;
	/** The newest of that pipeline. */
	latestOf(pipeline: string): RunId | null;
	source(id: string): RunSource | null;
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
	members: string | null;
	leased_at: number;
	started_at: number | null;
	finished_at: number | null;
	failure: string | null;
	reason: string;
	usage: string | null;
}

interface GroupRow {
	name: string;
	needs: string;
	cells: number;
	unsettled_cells: number;
}

interface SourceRow {
	definition: string;
	params: string;
	code: string | null;
	cache_mode: CacheMode;
	left_out: string;
}

interface TakenRow {
	step: string;
	from_run: string;
	from_step: string;
}

export interface ArtifactRow {
	step: string;
	name: string;
	digest: string;
	size_bytes: number;
	file_count: number;
	holders: string;
	value: string | null;
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
		latestOf: query<{ id: RunId }>(database, "SELECT id FROM runs WHERE pipeline = ? ORDER BY n DESC LIMIT 1"),
		source: query<SourceRow>(
			database,
			`SELECT definitions.json AS definition, runs.params, code, cache_mode, left_out FROM run_sources
				JOIN runs ON runs.id = run_sources.run JOIN definitions ON digest = run_sources.definition
				WHERE run_sources.run = ?`,
		),
		taken: query<TakenRow>(database, "SELECT step, from_run, from_step FROM step_sources WHERE run = ?"),
		prefixed: query<{ id: RunId }>(
			database,
			`SELECT id FROM runs WHERE id >= ?1 AND id < ?1 || char(0x10ffff) ORDER BY id LIMIT ${CANDIDATES + 1}`,
		),
		steps: query<StepRow>(
			database,
			`SELECT key, name, matrix, state, reason, failure, metrics, ready_at, started_at, finished_at
				FROM steps WHERE run = ? ORDER BY place, n`,
		),
		groups: query<GroupRow>(database, "SELECT name, needs, cells, unsettled_cells FROM step_groups WHERE run = ?"),
		attempts: query<AttemptRow>(
			database,
			`SELECT id, step, number, state, agent, members, leased_at, started_at, finished_at, failure, reason, usage
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
	const run = (id: string): RunDetail | null => {
		const row = sql.run.get(id);
		if (!row) return null;
		const groups = new Map(sql.groups.all(id).map((group) => [group.name, group]));
		const attempts = Map.groupBy(sql.attempts.all(id), ({ step }) => step);
		const artifacts = Map.groupBy(sql.artifacts.all(id), ({ step }) => step);
		const taken = new Map(sql.taken.all(id).map((row) => [row.step, row]));
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
				takenFrom: step.state === "succeeded" && tries.length === 0 ? takenFrom(taken.get(step.key)) : null,
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

	const source = (id: string): RunSource | null => {
		const row = sql.source.get(id);
		if (!row) return null;
		return {
			definition: readStoredDefinition(row.definition),
			params: JSON.parse(row.params),
			code: parsed(row.code),
			cacheMode: row.cache_mode,
			leftOut: JSON.parse(row.left_out),
		};
	};

	return {
		runs: openRunPages(database),
		run,
		resolveRun,
		latestOf: (pipeline) => sql.latestOf.get(pipeline)?.id ?? null,
		source,
	};
};

const takenFrom = (row: TakenRow | undefined): StepView["takenFrom"] =>
	row ? { run: row.from_run, step: row.from_step } : null;

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
	members: parsed<string[]>(row.members) ?? [],
	usage: parsed(row.usage),
});

export const artifactOf = (row: ArtifactRow): ArtifactRef => ({
	name: row.name,
	digest: row.digest as Digest,
	sizeBytes: row.size_bytes,
	fileCount: row.file_count,
	holders: JSON.parse(row.holders),
	...(row.value === null ? {} : { valueJson: row.value }),
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
		if (!group || group.unsettled_cells === 0) return [];
		return group.cells === 1 ? need : `${need} (${group.unsettled_cells} of ${group.cells} cells open)`;
	});
	return open.length > 0 ? `waits for ${open.join(", ")}` : "";
};

const parsed = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T));
