/** Rows of steps: those of a new run, and those that a matrix grows once its values are known. */

import type { DatabaseSync } from "node:sqlite";
import { canonicalJson } from "#shared/pipeline/canonical.ts";
import type { PipelineDefinition } from "#shared/pipeline/definition.ts";
import { cellsOf, expandSteps, isDynamic, type StepCell } from "#shared/pipeline/expand.ts";
import { readStoredDefinition } from "#shared/pipeline/stored.ts";
import type { MatrixExpanded, RunSubmitted } from "../core/events.ts";
import { query } from "./database.ts";
import type { StepCounts } from "./step-counts.ts";

export interface StepInsert {
	/** All steps of a run; returns how many there are. */
	all(event: RunSubmitted, definition: PipelineDefinition): number;
	/** The row that stood for the cells gives way to them. */
	expanded(event: MatrixExpanded): void;
}

interface GroupRow {
	place: number;
	unmet_needs: number;
	asked: number;
	run_state: string;
	definition: string;
}

export const createStepInsert = (database: DatabaseSync, counts: StepCounts): StepInsert => {
	const insertGroup = database.prepare(
		`INSERT INTO step_groups (run, name, place, needs, cells, open_cells, unsettled_cells, unmet_needs, asked)
			VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5, ?6, ?7)`,
	);
	const insertEdge = database.prepare("INSERT OR IGNORE INTO step_edges (run, need, dependent) VALUES (?, ?, ?)");
	const insertSource = database.prepare(
		"INSERT OR REPLACE INTO step_sources (run, step, from_run, from_step, matrix) VALUES (?, ?, ?, ?, ?)",
	);
	const source = query<{ matrix: string }>(database, "SELECT matrix FROM step_sources WHERE run = ? AND step = ?");
	const insertStep = database.prepare(
		`INSERT INTO steps (run, key, name, place, matrix, state, asked, writes_logs, ready_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	);
	const group = query<GroupRow>(
		database,
		`SELECT place, unmet_needs, asked, runs.state AS run_state, definitions.json AS definition
			FROM step_groups JOIN runs ON runs.id = step_groups.run JOIN run_sources ON run_sources.run = step_groups.run
			JOIN definitions ON definitions.digest = run_sources.definition
			WHERE step_groups.run = ? AND step_groups.name = ?`,
	);
	const removeStep = query<{ state: string }>(database, "DELETE FROM steps WHERE run = ? AND key = ? RETURNING state");
	const growGroup = database.prepare(
		"UPDATE step_groups SET cells = ?3, open_cells = ?3, unsettled_cells = ?3 WHERE run = ?1 AND name = ?2",
	);
	const growRun = database.prepare("UPDATE runs SET total = total + ? WHERE id = ?");

	const insert = (runId: string, cell: StepCell, place: number, asked: boolean, readyAtMs: number | null): void => {
		const { key, definition, matrix } = cell;
		const state = readyAtMs === null || asked ? "waiting" : "ready";
		insertStep.run(
			runId,
			key,
			definition.name,
			place,
			JSON.stringify(matrix),
			state,
			asked ? 1 : 0,
			definition.action.kind === "command" ? 1 : 0,
			state === "ready" ? readyAtMs : null,
		);
		counts.move(runId, null, state);
	};

	const all: StepInsert["all"] = (event, definition) => {
		const { runId, atMs, reused } = event;
		const leftOut = new Set(event.leftOut);
		const cells = Map.groupBy(expandSteps(definition), ({ definition: { name } }) => name);
		const taken = new Map<string, string>(reused.map(({ stepKey, matrixJson }) => [stepKey, matrixJson]));
		for (const { stepKey, runId: from, matrixJson } of reused) {
			insertSource.run(runId, stepKey, from, stepKey, matrixJson);
		}
		let total = 0;
		for (const [place, step] of definition.steps.entries()) {
			const { name, needs, condition } = step;
			const ofStep = cells.get(name) ?? [];
			const unmet = needs.filter((need) => cells.has(need) && !leftOut.has(need));
			const asked = condition !== null || leftOut.has(name);
			insertGroup.run(runId, name, place, JSON.stringify(needs), ofStep.length, unmet.length, asked ? 1 : 0);
			for (const need of unmet) insertEdge.run(runId, need, name);
			const readyAtMs = definition.concurrency === null && unmet.length === 0 ? atMs : null;
			for (const cell of ofStep) {
				const isTaken = taken.get(cell.key) === canonicalJson(cell.matrix);
				insert(runId, cell, place, asked || isTemplate(cell) || isTaken, readyAtMs);
			}
			total += ofStep.length;
		}
		return total;
	};

	const expanded: StepInsert["expanded"] = ({ runId, stepKey, cellsJson, atMs }) => {
		const row = group.get(runId, stepKey);
		const template = removeStep.get(runId, stepKey);
		const definition = row && readStoredDefinition(row.definition).steps.find(({ name }) => name === stepKey);
		if (!definition || !template) return;
		counts.move(runId, template.state, null);
		const cells = cellsOf(definition, JSON.parse(cellsJson));
		growGroup.run(runId, stepKey, cells.length);
		growRun.run(cells.length - 1, runId);
		const readyAtMs = row.run_state !== "queued" && row.unmet_needs === 0 ? atMs : null;
		for (const cell of cells) {
			const taken = source.get(runId, cell.key)?.matrix === canonicalJson(cell.matrix);
			insert(runId, cell, row.place, row.asked === 1 || taken, readyAtMs);
		}
	};
	return { all, expanded };
};

/** It stands for the cells of a matrix that is not known yet. */
const isTemplate = ({ key, definition }: StepCell): boolean => isDynamic(definition) && key === definition.name;
