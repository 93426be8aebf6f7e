/** The journal's events as the API shows them: kept for history and for clients that resume, the oldest dropped. */

import type { DatabaseSync } from "node:sqlite";
import type { EventView } from "#shared/api.ts";
import type { JournalEvent } from "../core/events.ts";
import { query } from "./database.ts";

const EVENTS_MAX = 1_000_000;
const PRUNE_BATCH = 10_000;
const STORY_MAX = 300;
/** Of a run's story: what befell its steps, apart from what went well. */
const STEP_EVENTS_MAX = 100;
/** Of one journal batch. */
const BATCH_MAX = 2 ** 20;

export interface EventHistory {
	append(sequence: number, index: number, event: JournalEvent): void;
	/** Rows that are kept; call once a transaction. */
	prune(kept: number): number;
	/** Those behind `afterId`, the oldest first; of one run, or of all. */
	page(run: string | null, afterId: string | null, limit: number): EventView[];
	/** What matters of a run as a whole, the oldest first. */
	runStory(run: string): EventView[];
	/** What befell a step, and its run as a whole, the oldest first; `name` is the one its cells share. */
	stepStory(run: string, step: string, name: string): EventView[];
}

interface EventRow {
	id: number;
	at_ms: number;
	kind: string;
	run: string | null;
	step: string | null;
	data: string;
}

export const openEventHistory = (database: DatabaseSync, max: number = EVENTS_MAX): EventHistory => {
	const insert = database.prepare("INSERT INTO events (id, at_ms, kind, run, step, data) VALUES (?, ?, ?, ?, ?, ?)");
	const prune = database.prepare(`DELETE FROM events WHERE id < (SELECT id FROM events ORDER BY id LIMIT 1 OFFSET ?)`);
	const ofAll = query<EventRow>(database, "SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?");
	const ofRun = query<EventRow>(database, "SELECT * FROM events WHERE run = ? AND id > ? ORDER BY id LIMIT ?");
	const runStory = query<EventRow>(
		database,
		`SELECT * FROM (SELECT * FROM events WHERE run = ?1 AND step IS NULL ORDER BY id LIMIT ${STORY_MAX})
			UNION SELECT * FROM (
				SELECT * FROM events WHERE run = ?1 AND step IS NOT NULL AND (
					kind IN ('stepCancelRequested', 'approvalRequested', 'approvalAnswered', 'matrixExpanded', 'stepRetryScheduled',
						'modelVersionRegistered', 'deploymentChanged')
					OR (kind = 'stepSettled' AND data ->> 'state' IN ('failed', 'cancelled'))
				) ORDER BY id LIMIT ${STEP_EVENTS_MAX}
			) ORDER BY id`,
	);
	const stepStory = query<EventRow>(
		database,
		`SELECT * FROM (
			SELECT * FROM events WHERE run = ? AND (step IS NULL OR step IN (?, ?)) ORDER BY id DESC LIMIT ${STORY_MAX}
		) ORDER BY id`,
	);
	return {
		runStory: (run) => runStory.all(run).map(viewOf),
		stepStory: (run, step, name) => stepStory.all(run, step, name).map(viewOf),
		append: (sequence, index, event) => {
			const { kind, atMs, runId, stepKey, ...rest } = event as JournalEvent & { runId?: string; stepKey?: string };
			const data = event.kind in shortened ? shortened[event.kind]?.(event as never) : rest;
			insert.run(sequence * BATCH_MAX + index, atMs, kind, runId ?? null, stepKey ?? null, JSON.stringify(data));
		},
		prune: (kept) => (kept > max + PRUNE_BATCH ? kept - Number(prune.run(kept - max).changes) : kept),
		page: (run, afterId, limit) => {
			const after = afterId === null ? -1 : rowOf(afterId);
			const rows = run === null ? ofAll.all(after, limit) : ofRun.all(run, after, limit);
			return rows.map(viewOf);
		},
	};
};

/** What may be large and stands elsewhere: a definition and the cells in the run itself, the parts of keys in the cache. */
const shortened: { [Kind in JournalEvent["kind"]]?: (event: Extract<JournalEvent, { kind: Kind }>) => object } = {
	runSubmitted: ({
		definitionJson,
		paramsJson,
		submitter,
		code,
		submissionId,
		reused,
		leftOut,
		cacheMode,
		basedOn,
	}) => {
		const { name } = JSON.parse(definitionJson) as { name: string };
		const taken = reused.length;
		const params = JSON.parse(paramsJson);
		return { pipeline: name, params, submitter, code, submissionId, taken, leftOut, cacheMode, basedOn };
	},
	matrixExpanded: ({ cellsJson }) => ({ cells: (JSON.parse(cellsJson) as unknown[]).length }),
	attemptEnded: ({ attemptId, state, failure, outputs, metrics, startedAtMs, finishedAtMs, reason, usage }) => ({
		attemptId,
		state,
		failure,
		outputs,
		metrics,
		startedAtMs,
		finishedAtMs,
		reason,
		usage,
	}),
	joinTokenIssued: ({ tokenId, expiresAtMs, uses, by }) => ({ tokenId, expiresAtMs, uses, by }),
	joinTokenUsed: ({ tokenId, host }) => ({ tokenId, host }),
	cacheRecorded: ({ key, codeDigest }) => ({ key, codeDigest }),
};

const viewOf = ({ id, at_ms, kind, run, step, data }: EventRow): EventView => ({
	id: `${Math.floor(id / BATCH_MAX)}.${id % BATCH_MAX}`,
	atMs: at_ms,
	kind,
	run,
	step,
	data: JSON.parse(data),
});

const EVENT_ID = /^(\d{1,10})\.(\d{1,7})$/;

export const isEventId = (text: string): boolean => EVENT_ID.test(text);

/** An id behind every event up to the sequence, and before any later one. */
export const endOfBatch = (sequence: number): string => `${sequence}.${BATCH_MAX - 1}`;

const rowOf = (id: string): number => {
	const [, sequence, index] = EVENT_ID.exec(id) ?? [];
	if (sequence === undefined || index === undefined) throw new RangeError(`${id} is no event id`);
	return Math.min(Number(sequence) * BATCH_MAX + Number(index), Number.MAX_SAFE_INTEGER);
};
