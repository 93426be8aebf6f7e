/**
 * Removes runs that are kept no longer, a few rows at a time. A run leaves at once from all that is shown; its other
 * rows follow, also when the process dies meanwhile. What a model or a deployment came from stays.
 */

import type { DatabaseSync } from "node:sqlite";
import type { RunId } from "#shared/ids.ts";
import { query } from "./database.ts";
import type { StepCounts } from "./step-counts.ts";

export interface RunHistory {
	/**
	 * The run that ended first, at `afterMs` or later and before `beforeMs`, has left; null when there is none that may
	 * go. Its rows remain to be removed.
	 */
	leave(afterMs: number, beforeMs: number): { run: RunId; finishedAtMs: number } | null;
	/** Those that have left, and of which something may remain. */
	leaving(): RunId[];
	/** Removes rows for so long; true when none is left. */
	removeRows(run: RunId, budgetMs: number): boolean;
	/** Nothing remains of it. */
	forget(run: RunId): void;
	/** Of the rows and of the logs that were measured. */
	bytes(): number;
	/** Runs over since `beforeMs` whose logs have not been measured. */
	unmeasured(beforeMs: number, limit: number): RunId[];
	measured(run: RunId, logBytes: number): void;
}

export interface HistoryParts {
	database: DatabaseSync;
	counts: StepCounts;
	inTransaction(work: () => void): void;
	/** So many events were removed. */
	onEvents(removed: number): void;
}

const CHUNK = 100;

export const openHistory = ({ database, counts, inTransaction, onEvents }: HistoryParts): RunHistory => {
	const oldest = query<{ n: number; id: RunId; finished_at: number; log_bytes: number | null }>(
		database,
		`SELECT n, id, finished_at, log_bytes FROM runs WHERE finished_at >= ? AND finished_at < ?
			AND NOT EXISTS (SELECT 1 FROM model_versions WHERE model_versions.run = runs.id)
			AND NOT EXISTS (SELECT 1 FROM deployments WHERE deployments.run = runs.id)
			ORDER BY finished_at LIMIT 1`,
	);
	const leaving = query<{ run: RunId }>(database, "SELECT run FROM leaving");
	const unmeasured = query<{ id: RunId }>(
		database,
		"SELECT id FROM runs WHERE finished_at < ? AND log_bytes IS NULL ORDER BY finished_at LIMIT ?",
	);
	const pages = query<{ used: number }>(
		database,
		`SELECT (page_count - freelist_count) * page_size AS used
			FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()`,
	);
	const logBytes = query<{ log_bytes: number }>(database, "SELECT log_bytes FROM position");
	const sql = {
		addLogBytes: database.prepare("UPDATE position SET log_bytes = log_bytes + ?"),
		setLogBytes: database.prepare("UPDATE runs SET log_bytes = ? WHERE id = ? AND log_bytes IS NULL"),
		insertLeaving: database.prepare("INSERT INTO leaving (run) VALUES (?)"),
		deleteLeaving: database.prepare("DELETE FROM leaving WHERE run = ?"),
		deleteRun: database.prepare("DELETE FROM runs WHERE n = ?"),
		deleteWords: database.prepare("DELETE FROM run_words WHERE rowid = ?"),
		releaseDefinition: database.prepare(
			"UPDATE definitions SET runs = runs - 1 WHERE digest = (SELECT definition FROM run_sources WHERE run = ?)",
		),
		dropDefinition: database.prepare(
			"DELETE FROM definitions WHERE runs <= 0 AND digest = (SELECT definition FROM run_sources WHERE run = ?)",
		),
		deleteSource: database.prepare("DELETE FROM run_sources WHERE run = ?"),
	};
	const removers = rowRemovers(database, counts, onEvents);

	return {
		leave: (afterMs, beforeMs) => {
			const row = oldest.get(afterMs, beforeMs);
			if (!row) return null;
			inTransaction(() => {
				sql.insertLeaving.run(row.id);
				sql.deleteRun.run(row.n);
				sql.deleteWords.run(row.n);
				sql.releaseDefinition.run(row.id);
				sql.dropDefinition.run(row.id);
				sql.deleteSource.run(row.id);
				sql.addLogBytes.run(-(row.log_bytes ?? 0));
			});
			return { run: row.id, finishedAtMs: row.finished_at };
		},
		leaving: () => leaving.all().map(({ run }) => run),
		removeRows: (run, budgetMs) => {
			const untilMs = performance.now() + budgetMs;
			let isEmpty = false;
			inTransaction(() => {
				isEmpty = removers.every((remove) => {
					while (performance.now() < untilMs) if (remove(run) === 0) return true;
					return false;
				});
				counts.flush();
			});
			return isEmpty;
		},
		forget: (run) => void sql.deleteLeaving.run(run),
		bytes: () => (pages.get()?.used ?? 0) + (logBytes.get()?.log_bytes ?? 0),
		unmeasured: (beforeMs, limit) => unmeasured.all(beforeMs, limit).map(({ id }) => id),
		measured: (run, bytes) =>
			inTransaction(() => {
				if (Number(sql.setLogBytes.run(bytes, run).changes) > 0) sql.addLogBytes.run(bytes);
			}),
	};
};

/** Each removes some rows of one kind and tells how many. */
const rowRemovers = (
	database: DatabaseSync,
	counts: StepCounts,
	onEvents: (removed: number) => void,
): ((run: RunId) => number)[] => {
	const attempts = query<{ id: string }>(database, `SELECT id FROM attempts WHERE run = ? LIMIT ${CHUNK}`);
	const deleteAttempt = database.prepare("DELETE FROM attempts WHERE id = ?");
	const series = query<{ n: number }>(database, "SELECT n FROM metric_series WHERE attempt = ?");
	const deleteSeries = database.prepare("DELETE FROM metric_series WHERE n = ?");
	const deletePoints = database.prepare(
		`DELETE FROM metric_points WHERE (series, step, at_ms, value) IN (
			SELECT series, step, at_ms, value FROM metric_points WHERE series = ? LIMIT ${CHUNK}
		)`,
	);
	const deleteSteps = query<{ state: string }>(
		database,
		`DELETE FROM steps WHERE n IN (SELECT n FROM steps WHERE run = ? LIMIT ${CHUNK}) RETURNING state`,
	);
	const deleteEvents = database.prepare(
		`DELETE FROM events WHERE id IN (SELECT id FROM events WHERE run = ? ORDER BY id LIMIT ${CHUNK})`,
	);
	const ofTable = (table: string, key: string): ((run: RunId) => number) => {
		const statement = database.prepare(
			`DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE run = ? LIMIT ${CHUNK})`,
		);
		return (run) => Number(statement.run(run).changes);
	};

	/** Of the first attempt that has any; the others go at once. */
	const removeAttempts = (run: RunId): number => {
		const rows = attempts.all(run);
		for (const { id } of rows) {
			const [first, ...rest] = series.all(id);
			if (first) {
				if (Number(deletePoints.run(first.n).changes) < CHUNK) deleteSeries.run(first.n);
				return rows.length;
			}
			if (rest.length === 0) deleteAttempt.run(id);
		}
		return rows.length;
	};
	const removeSteps = (run: RunId): number => {
		const rows = deleteSteps.all(run);
		for (const { state } of rows) counts.move(run, state, null);
		return rows.length;
	};
	const removeEvents = (run: RunId): number => {
		const removed = Number(deleteEvents.run(run).changes);
		onEvents(removed);
		return removed;
	};
	return [
		removeAttempts,
		removeSteps,
		removeEvents,
		ofTable("artifacts", "run, step, name"),
		ofTable("step_sources", "run, step"),
		ofTable("step_edges", "run, need, dependent"),
		ofTable("step_groups", "run, name"),
	];
};
