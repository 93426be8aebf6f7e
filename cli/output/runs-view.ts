/** Runs for people: the list, and one with its steps. */

import type { Page, RunDetail, RunSummary, StepView } from "#shared/api.ts";
import { formatAge, formatDuration, formatSpan, formatValues, lastAgents } from "./format.ts";
import type { View } from "./print.ts";
import { explainStep, signOf } from "./progress.ts";
import type { Cell } from "./table.ts";
import { escapeControls } from "./text.ts";
import { usageLines } from "./usage-view.ts";

const listColumns = [
	{ header: "RUN" },
	{ header: "PIPELINE", flexible: true },
	{ header: "STATE" },
	{ header: "STEPS", align: "right" as const },
	{ header: "SUBMITTED" },
	{ header: "TOOK", align: "right" as const },
	{ header: "BY", flexible: true },
];

/** By option: what was looked for. */
export type Filters = Record<string, string | undefined>;

const noRuns = (filters: Filters): string => {
	const given = Object.entries(filters).filter(([, value]) => value !== undefined);
	if (given.length === 0) return "no runs; start one with: runmesh run pipeline.yaml";
	return `no run fits ${given.map(([option, value]) => `--${option} ${escapeControls(value ?? "")}`).join(" ")}`;
};

export const runsView = ({ items, next }: Page<RunSummary>, view: View, filters: Filters = {}): string[] => {
	if (items.length === 0) return [noRuns(filters)];
	const rows = items.map((run): Cell[] => [
		run.id,
		run.pipeline,
		{ text: run.state, paint: view.style.state(run.state) },
		`${run.steps.succeeded}/${run.steps.total}`,
		formatAge(run.submittedAtMs, view.nowMs),
		formatSpan(run.submittedAtMs, run.finishedAtMs, view.nowMs),
		escapeControls(run.submitter),
	]);
	const more = next === null ? [] : [view.style.dim(`more: --before ${next}`)];
	return [...view.table(listColumns, rows), ...more];
};

const stepColumns = [
	{ header: "" },
	{ header: "STEP" },
	{ header: "MATRIX", flexible: true },
	{ header: "STATE" },
	{ header: "TOOK", align: "right" as const },
	{ header: "TRIES", align: "right" as const },
	{ header: "AGENT", flexible: true },
	{ header: "DETAILS", flexible: true },
];

const stepRow = (step: StepView, { style, nowMs }: View): Cell[] => [
	{ text: signOf(step), paint: style.state(step.state) },
	step.key,
	formatValues(step.matrix),
	{ text: step.state, paint: style.state(step.state) },
	formatSpan(step.startedAtMs, step.finishedAtMs, nowMs),
	String(step.attempts.length),
	lastAgents(step),
	explainStep(step),
];

export const runView = (run: RunDetail, view: View): string[] => {
	const { style, nowMs } = view;
	const params = formatValues(run.params);
	const span = formatDuration((run.finishedAtMs ?? nowMs) - run.submittedAtMs);
	return [
		`run ${style.bold(run.id)}  ${run.pipeline}  ${style.state(run.state)(run.state)}`,
		`submitted ${formatAge(run.submittedAtMs, nowMs)} by ${escapeControls(run.submitter)}, ${
			run.finishedAtMs === null ? `going for ${span}` : `took ${span}`
		}`,
		...(params === "" ? [] : [`params ${escapeControls(params)}`]),
		...(run.basedOn === null ? [] : [`based on run ${run.basedOn}`]),
		...(run.reason === "" ? [] : [`${run.finishedAtMs === null ? "" : `${run.state}: `}${escapeControls(run.reason)}`]),
		"",
		...view.table(
			stepColumns,
			run.stepList.map((step) => stepRow(step, view)),
		),
		...usageLines(run, view),
	];
};
