/** A submitted run's rows: the run itself, its words for the search, and what it can be made from again. */

import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { ParamValue } from "#shared/pipeline/definition.ts";
import { readStoredDefinition } from "#shared/pipeline/stored.ts";
import type { RunSubmitted } from "../core/events.ts";
import { searchedWords } from "./run-search.ts";
import type { StepInsert } from "./step-insert.ts";

export const createRunInsert = (database: DatabaseSync, steps: StepInsert): ((event: RunSubmitted) => void) => {
	const insertRun = database.prepare(
		`INSERT INTO runs (id, pipeline, state, submitter, params, submitted_at, reason, based_on, total)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	);
	const insertWords = database.prepare("INSERT INTO run_words (rowid, words) VALUES (?, ?)");
	const insertDefinition = database.prepare(
		"INSERT INTO definitions (digest, json, runs) VALUES (?, ?, 1) ON CONFLICT (digest) DO UPDATE SET runs = runs + 1",
	);
	const insertSource = database.prepare(
		"INSERT INTO run_sources (run, definition, code, cache_mode, left_out) VALUES (?, ?, ?, ?, ?)",
	);
	return (event) => {
		const { runId, definitionJson, paramsJson, submitter, atMs, basedOn, code, cacheMode, leftOut } = event;
		const definition = readStoredDefinition(definitionJson);
		const digest = createHash("sha256").update(definitionJson).digest("base64url");
		insertDefinition.run(digest, definitionJson);
		insertSource.run(runId, digest, code === null ? null : JSON.stringify(code), cacheMode, JSON.stringify(leftOut));

		const queued = definition.concurrency !== null;
		const state = queued ? "queued" : "running";
		const reason = queued ? "waits for its turn in its concurrency group" : "";
		const total = steps.all(event, definition);
		const { lastInsertRowid } = insertRun.run(
			runId,
			definition.name,
			state,
			submitter,
			paramsJson,
			atMs,
			reason,
			basedOn || null,
			total,
		);
		const params = JSON.parse(paramsJson) as Record<string, ParamValue>;
		insertWords.run(lastInsertRowid, searchedWords(runId, definition.name, submitter, params));
	};
};
