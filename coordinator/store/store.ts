/**
 * The read side: what lists, history, search and charts are answered from. A projection of the journal in a SQLite
 * file, which stands at a journal sequence, can be deleted at any time, and is never the truth.
 */

import type { EventView, RunState, StepState } from "#shared/api.ts";
import type { AttemptId } from "#shared/ids.ts";
import type { JournalEvent } from "../core/events.ts";
import { closeDatabase, dropDatabase, isCorruption, openDatabase, query, toStoreError } from "./database.ts";
import { openHistory, type RunHistory } from "./history.ts";
import { type EventHistory, openEventHistory } from "./journal-events.ts";
import { type LogQueries, openLogQueries } from "./log-attempts.ts";
import { type MetricPoint, type MetricStore, openMetricStore } from "./metric-series.ts";
import { createProjection } from "./projection.ts";
import { openRunQueries, type RunQueries } from "./run-queries.ts";
import { openServingQueries, type ServingQueries } from "./serving-queries.ts";
import { createStepCounts } from "./step-counts.ts";

export interface JournalBatchView {
	sequence: number;
	events: readonly JournalEvent[];
}

export interface MeshCounts {
	runs: Partial<Record<RunState, number>>;
	steps: Partial<Record<StepState, number>>;
}

export interface ReadStore extends RunQueries, ServingQueries {
	/** Journal sequence it stands at; 0 when new. */
	sequence(): number;
	/** Projects committed batches in one transaction; those at or below sequence() are ignored. */
	project(batches: readonly JournalBatchView[]): void;
	addMetricPoints(attemptId: AttemptId, points: readonly MetricPoint[]): void;
	metrics: MetricStore["ofRun"];
	/** Those behind `afterId`, the oldest first; of one run, or of all. */
	events(run: string | null, afterId: string | null, limit: number): EventView[];
	runStory: EventHistory["runStory"];
	stepStory: EventHistory["stepStory"];
	counts(): MeshCounts;
	logs: LogQueries;
	history: RunHistory;
	close(): void;
}

export const openReadStore = (path: string): ReadStore => {
	const database = openDatabase(path);
	const counts = createStepCounts(database);
	const projection = createProjection(database, counts);
	const events = openEventHistory(database);
	const metrics = openMetricStore(database);
	const setPosition = database.prepare("UPDATE position SET sequence = ?, events = ?");
	const countRuns = query<{ state: RunState; count: number }>(
		database,
		"SELECT state, count(*) AS count FROM runs GROUP BY state",
	);
	const countSteps = query<{ state: StepState; count: number }>(database, "SELECT state, count FROM step_counts");
	let position = query<{ sequence: number; events: number }>(
		database,
		"SELECT sequence, events FROM position",
	).get() ?? {
		sequence: 0,
		events: 0,
	};

	const inTransaction = (work: () => void): void => {
		try {
			database.exec("BEGIN");
			work();
			database.exec("COMMIT");
		} catch (error) {
			projection.discard();
			if (database.isTransaction) database.exec("ROLLBACK");
			// Gone from its folder, it is made anew at the next start.
			if (isCorruption(error)) dropDatabase(path);
			throw toStoreError(error);
		}
	};

	const project = (batches: readonly JournalBatchView[]): void => {
		const reached = { ...position };
		const fresh = batches.filter(({ sequence }) => sequence > position.sequence);
		if (fresh.length === 0) return;
		inTransaction(() => {
			for (const { sequence, events: batch } of fresh) {
				if (sequence <= reached.sequence) continue;
				for (const [index, event] of batch.entries()) {
					projection.apply(event);
					events.append(sequence, index, event);
				}
				reached.sequence = sequence;
				reached.events += batch.length;
			}
			projection.flush();
			reached.events = events.prune(reached.events);
			setPosition.run(reached.sequence, reached.events);
		});
		position = reached;
	};

	return {
		...openRunQueries(database),
		...openServingQueries(database),
		sequence: () => position.sequence,
		project,
		addMetricPoints: (attemptId, points) => inTransaction(() => metrics.add(attemptId, points)),
		metrics: metrics.ofRun,
		events: events.page,
		runStory: events.runStory,
		stepStory: events.stepStory,
		counts: () => ({ runs: countsOf(countRuns.all()), steps: countsOf(countSteps.all()) }),
		logs: openLogQueries(database),
		history: openHistory({
			database,
			counts,
			inTransaction,
			onEvents: (removed) => {
				position = { ...position, events: position.events - removed };
				setPosition.run(position.sequence, position.events);
			},
		}),
		close: () => closeDatabase(database),
	};
};

const countsOf = <S extends string>(rows: { state: S; count: number }[]): Partial<Record<S, number>> =>
	Object.fromEntries(rows.map(({ state, count }) => [state, count])) as Partial<Record<S, number>>;
