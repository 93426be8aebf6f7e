/** A submitted run's rows: the run, its steps, and who waits for whom. */

import type { DatabaseSync } from "node:sqlite";
import type { PipelineDefinition } from "#shared/pipeline/definition.ts";
import { expandSteps } from "#shared/pipeline/expand.ts";
import type { RunSubmitted } from "../core/events.ts";
import type { StepCounts } from "./step-counts.ts";

export const createRunInsert = (database: DatabaseSync, counts: StepCounts): ((event: RunSubmitted) => void) => {
	const insertRun = database.prepare(
		"INSERT INTO runs (id, pipeline, state, submitter, params, submitted_at, total) VALUES (?, ?, 'running', ?, ?, ?, ?)",
	);
	const insertGroup = database.prepare(
		"INSERT INTO step_groups (run, name, needs, cells, open_cells, unmet_needs) VALUES (?, ?, ?, ?, ?, ?)",
	);
	const insertEdge = database.prepare("INSERT OR IGNORE INTO step_edges (run, need, dependent) VALUES (?, ?, ?)");
	const insertStep = database.prepare(
		"INSERT INTO steps (run, key, name, matrix, state, writes_logs, ready_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
	);
	return ({ runId, definitionJson, paramsJson, submitter, atMs }) => {
		const definition = JSON.parse(definitionJson) as PipelineDefinition;
		const steps = expandSteps(definition);
		insertRun.run(runId, definition.name, submitter, paramsJson, atMs, steps.length);

		const cells = new Map<string, number>();
		for (const { definition: step } of steps) cells.set(step.name, (cells.get(step.name) ?? 0) + 1);
		const unmet = new Map<string, number>();
		for (const { name, needs } of definition.steps) {
			const open = needs.filter((need) => cells.has(need));
			unmet.set(name, open.length);
			insertGroup.run(runId, name, JSON.stringify(needs), cells.get(name) ?? 0, cells.get(name) ?? 0, open.length);
			for (const need of open) insertEdge.run(runId, need, name);
		}
		for (const { key, definition: step, matrix } of steps) {
			const ready = unmet.get(step.name) === 0;
			const state = ready ? "ready" : "waiting";
			const writesLogs = step.action.kind === "command" ? 1 : 0;
			insertStep.run(runId, key, step.name, JSON.stringify(matrix ?? {}), state, writesLogs, ready ? atMs : null);
			counts.move(runId, null, state);
		}
	};
};
