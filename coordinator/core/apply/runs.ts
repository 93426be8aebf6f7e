/** Runs as they come, wait for their group, grow cells and end. */

import type { RunId } from "#shared/ids.ts";
import { canonicalJson } from "#shared/pipeline/canonical.ts";
import type { ParamValue } from "#shared/pipeline/definition.ts";
import { cellsOf, expandSteps, isDynamic, type StepCell } from "#shared/pipeline/expand.ts";
import { interpolate } from "#shared/pipeline/interpolate.ts";
import { readStoredDefinition } from "#shared/pipeline/stored.ts";
import { sha256Hex } from "#shared/sha256.ts";
import type { MatrixExpanded, RunAdmitted, RunFinished, RunSubmitted } from "../events.ts";
import { runAtFirst, stepAtFirst } from "../first-values.ts";
import { readyByItself, requireRun, requireStep } from "../moves.ts";
import type { MeshState, Run, Step } from "../state.ts";
import { assertMove, runMoves } from "../transitions.ts";

/** Submissions remembered for deduplication once their runs are over. */
const SUBMISSIONS_MAX = 10_000;

export const applyRunSubmitted = (state: MeshState, event: RunSubmitted): void => {
	const definition = readStoredDefinition(event.definitionJson);
	const params = JSON.parse(event.paramsJson) as Run["params"];
	const run: Run = {
		...runAtFirst(),
		id: event.runId,
		definition,
		params,
		code: event.code,
		submissionId: event.submissionId,
		cacheMode: event.cacheMode,
		admittedAtMs: event.atMs,
		group: definition.concurrency ? groupName(definition.concurrency.group, params, {}) : "",
		reused: new Map(event.reused.map((each) => [each.stepKey, each])),
		leftOut: new Set(event.leftOut),
		steps: new Map(),
		cells: new Map(),
		dependents: new Map(),
	};
	state.runs.set(run.id, run);
	rememberSubmission(state, event.submissionId, run.id);
	if (run.group !== "") queue(state, run);
	for (const cell of expandSteps(definition)) {
		const step = addCell(run, cell);
		const needs = cell.definition.needs.filter((need) => !run.leftOut.has(need));
		step.unmetNeeds = needs.length;
		step.openNeeds = needs.length;
		for (const need of needs) listIn(run.dependents, need).push(step);
	}
	for (const step of run.steps.values()) readyByItself(state, step, event.atMs);
};

const addCell = (run: Run, { key, definition, matrix }: StepCell): Step => {
	const isTemplate = isDynamic(definition) && key === definition.name;
	const step: Step = { ...stepAtFirst(), run, key, definition, matrix, attempt: null, isTemplate };
	const { concurrency, name } = definition;
	// What stands for cells has none of their values.
	if (concurrency && !isTemplate) {
		step.group = groupName(concurrency.group, definition.params ?? run.params, matrix);
	}
	// A cell of other values is not the same: it runs.
	if (run.reused.has(key) && run.reused.get(key)?.matrixJson !== canonicalJson(matrix)) run.reused.delete(key);
	run.steps.set(key, step);
	listIn(run.cells, name).push(step);
	run.cellsLeft.set(name, (run.cellsLeft.get(name) ?? 0) + 1);
	run.cellsOpen.set(name, (run.cellsOpen.get(name) ?? 0) + 1);
	run.unsettled += 1;
	return step;
};

/** The step that stood for them gives way to its cells. */
export const applyMatrixExpanded = (state: MeshState, event: MatrixExpanded): void => {
	const template = requireStep(state, event);
	const { run, definition } = template;
	run.steps.delete(template.key);
	run.cells.delete(definition.name);
	run.cellsLeft.delete(definition.name);
	run.cellsOpen.delete(definition.name);
	run.unsettled -= 1;
	for (const need of definition.needs) {
		const waiting = run.dependents.get(need) ?? [];
		run.dependents.set(
			need,
			waiting.filter((step) => step !== template),
		);
	}
	const cells = JSON.parse(event.cellsJson) as Record<string, ParamValue>[];
	for (const cell of cellsOf(definition, cells)) {
		const step = addCell(run, cell);
		step.unmetNeeds = template.unmetNeeds;
		step.openNeeds = template.openNeeds;
		readyByItself(state, step, event.atMs);
	}
};

const GROUP_CHARACTERS_MAX = 256;

/** A parameter may be of any length; a name is for keys and for people. */
const groupName = (group: string, params: Record<string, ParamValue>, matrix: Record<string, ParamValue>): string => {
	const name = interpolate(group, { params, matrix, steps: () => null });
	return name.length <= GROUP_CHARACTERS_MAX ? name : `${name.slice(0, 100)}… ${sha256Hex(name)}`;
};

const queue = (state: MeshState, run: Run): void => {
	run.status = "queued";
	run.admittedAtMs = 0;
	state.runGroups.set(run.group, (state.runGroups.get(run.group) ?? new Set()).add(run));
};

export const applyRunAdmitted = (state: MeshState, { runId, atMs }: RunAdmitted): void => {
	const run = requireRun(state, runId);
	assertMove(runMoves, run.id, run.status, "running");
	run.status = "running";
	run.admittedAtMs = atMs;
	for (const step of run.steps.values()) readyByItself(state, step, atMs);
};

export const applyRunFinished = (state: MeshState, event: RunFinished): void => {
	const run = requireRun(state, event.runId);
	assertMove(runMoves, run.id, run.status, event.state);
	run.status = event.state;
	state.runs.delete(run.id);
	const group = state.runGroups.get(run.group);
	if (group?.delete(run) && group.size === 0) state.runGroups.delete(run.group);
};

const rememberSubmission = (state: MeshState, submissionId: string, runId: RunId): void => {
	state.submissions.set(submissionId, runId);
	if (state.submissions.size <= SUBMISSIONS_MAX) return;
	for (const [oldest, oldRun] of state.submissions) {
		if (state.runs.has(oldRun)) continue;
		state.submissions.delete(oldest);
		return;
	}
};

const listIn = <V>(map: Map<string, V[]>, key: string): V[] => {
	let list = map.get(key);
	if (!list) {
		list = [];
		map.set(key, list);
	}
	return list;
};
