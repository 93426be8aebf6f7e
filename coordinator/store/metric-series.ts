/** Metric points of attempts, as the steps write them: not in the journal, so that a rebuilt read side starts without. */

import type { DatabaseSync } from "node:sqlite";
import type { MetricSeries } from "#shared/api.ts";
import { type AttemptId, attemptOfMember } from "#shared/ids.ts";
import { query } from "./database.ts";

export interface MetricPoint {
	name: string;
	value: number;
	step: number;
	atMs: number;
}

export interface MetricStore {
	/** The same point twice stands once; what is beyond the limits is dropped. */
	add(attemptId: AttemptId, points: readonly MetricPoint[]): void;
	/** Of a run's attempts, by attempt and name. */
	ofRun(run: string, name?: string): MetricSeries[];
}

const SERIES_MAX = 1_000;
const POINTS_MAX = 100_000;
/** A chart shows no more; longer series are thinned evenly, and keep their last point. */
const SHOWN_MAX = 2_000;
const NAME_MAX = 200;

interface SeriesRow {
	n: number;
	points: number;
}

interface RunSeriesRow {
	n: number;
	name: string;
	points: number;
	step: string;
	number: number;
}

interface PointRow {
	step: number;
	value: number;
	at_ms: number;
}

export const openMetricStore = (database: DatabaseSync): MetricStore => {
	const series = query<SeriesRow>(database, "SELECT n, points FROM metric_series WHERE attempt = ? AND name = ?");
	const count = query<{ count: number }>(database, "SELECT count(*) AS count FROM metric_series WHERE attempt = ?");
	const insertSeries = query<SeriesRow>(
		database,
		"INSERT INTO metric_series (attempt, name) VALUES (?, ?) RETURNING n, points",
	);
	const insertPoint = database.prepare(
		"INSERT OR IGNORE INTO metric_points (series, step, at_ms, value) VALUES (?, ?, ?, ?)",
	);
	const updateSeries = database.prepare(
		"UPDATE metric_series SET points = points + ?, last_step = ?, last_value = ? WHERE n = ?",
	);
	const runSeries = query<RunSeriesRow>(
		database,
		`SELECT metric_series.n, metric_series.name, points, attempts.step, attempts.number
			FROM attempts JOIN metric_series ON metric_series.attempt = attempts.id
			WHERE attempts.run = ?1 AND (?2 IS NULL OR metric_series.name = ?2)
			ORDER BY attempts.n, metric_series.name`,
	);
	const points = query<PointRow>(
		database,
		`SELECT step, value, at_ms FROM (
			SELECT step, value, at_ms, row_number() OVER (ORDER BY step, at_ms) - 1 AS place
			FROM metric_points WHERE series = ?1
		) WHERE place % ?2 = 0 OR place = ?3 - 1`,
	);

	const seriesOf = (attemptId: AttemptId, name: string): SeriesRow | undefined => {
		const known = series.get(attemptId, name);
		if (known || (count.get(attemptId)?.count ?? 0) >= SERIES_MAX) return known;
		return insertSeries.get(attemptId, name);
	};
	return {
		add: (attemptId, added) => {
			// Of a step on several agents the first member's are the step's; nobody would find the others', nor remove them.
			if (attemptOfMember(attemptId) !== attemptId) return;
			for (const [name, ofName] of Map.groupBy(added.filter(isStorable), (point) => point.name)) {
				const row = seriesOf(attemptId, name);
				const last = ofName.at(-1);
				if (!row || !last) continue;
				let stored = 0;
				for (const { step, atMs, value } of ofName.slice(0, Math.max(0, POINTS_MAX - row.points))) {
					stored += Number(insertPoint.run(row.n, step, atMs, value).changes);
				}
				updateSeries.run(stored, last.step, last.value, row.n);
			}
		},
		ofRun: (run, name) =>
			runSeries.all(run, name ?? null).map((row) => ({
				step: row.step,
				attempt: row.number,
				name: row.name,
				points: points
					.all(row.n, Math.max(1, Math.ceil(row.points / SHOWN_MAX)), row.points)
					.map(({ step, value, at_ms }) => ({ step, value, atMs: at_ms })),
			})),
	};
};

const isStorable = ({ name, value, step, atMs }: MetricPoint): boolean =>
	name !== "" && name.length <= NAME_MAX && [value, step, atMs].every(Number.isFinite);
