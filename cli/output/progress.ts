/** How a run's progress is shown, line by line; live.ts shows it on a terminal. */

import type { RunDetail, StepView } from "#shared/api.ts";
import type { Failure } from "#shared/domain.ts";
import type { Sink } from "../context.ts";
import type { LogLine } from "../lib/log-lines.ts";
import { formatDuration, formatMetrics, formatSpan, formatValues, lastAgents, lastAttempt, plural } from "./format.ts";
import type { Style } from "./style.ts";
import { escapeControls, oneLine } from "./text.ts";

export interface Progress {
	/** The run as it is now. */
	update(run: RunDetail): void;
	line(line: LogLine): void;
	/** Something to know that is not the run's: a lost connection, say. */
	note(text: string): void;
	/** Nothing more comes; leaves the screen as it should stay. */
	close(): void;
}

/** For JSON mode, where only the result is wanted. */
export const silentProgress: Progress = {
	update: () => undefined,
	line: () => undefined,
	note: () => undefined,
	close: () => undefined,
};

const SIGNS: Partial<Record<StepView["state"], string>> = {
	running: "▸",
	held: "?",
	backoff: "↻",
	succeeded: "✓",
	failed: "✗",
	cancelled: "■",
	skipped: "–",
};

/** A result that was taken from elsewhere has a sign of its own. */
export const signOf = ({ state, takenFrom }: StepView): string => (takenFrom ? "≡" : (SIGNS[state] ?? "·"));

/** Where it runs and which try it is. */
const whereabouts = (step: StepView): string[] => {
	const attempt = lastAttempt(step);
	if (!attempt || (step.state !== "running" && step.state !== "leased")) return [];
	return [`on ${lastAgents(step)}`, attempt.number > 1 ? `attempt ${attempt.number}` : ""];
};

/** "rejected by admin" says its cause itself. */
const failureText = ({ cause, message }: Failure): string => (cause === "rejected" ? message : `${cause}: ${message}`);

/** Why it waits or failed, what select chose, what it measured. */
export const explainStep = (step: StepView): string => {
	const failure = step.failure ?? (step.state === "backoff" ? lastAttempt(step)?.failure : null);
	const parts = [failure ? failureText(failure) : "", step.reason, formatMetrics(step.metrics)];
	return parts
		.filter((part) => part !== "")
		.map(oneLine)
		.join("  ");
};

/** All there is to say of a step beside its state and times. */
export const describeStep = (step: StepView): string =>
	[...whereabouts(step), explainStep(step)].filter((part) => part !== "").join("  ");

/** A line is due when this changes: the state to one with a sign, the attempt, or why a step that could run does not. */
const momentOf = (step: StepView): string => {
	if (step.state === "ready") return step.reason;
	if (step.state === "held") return "held";
	return SIGNS[step.state] === undefined ? "" : `${step.state} ${step.attempts.length}`;
};

export const logPrefix = (step: string, width: number, style: Style): string =>
	style.name(step)(`${step.padEnd(width)} │`);

/** Step keys are known from the first update; prefixes are as wide as the widest. */
export const prefixWidth = (run: RunDetail): number =>
	Math.min(
		24,
		run.stepList.reduce((most, { key }) => Math.max(most, key.length), 0),
	);

export const runHeadline = (run: RunDetail, style: Style): string => {
	const params = formatValues(run.params);
	return `run ${style.bold(run.id)}  ${run.pipeline}  ${plural(run.steps.total, "step")}${params === "" ? "" : `  ${style.dim(params)}`}`;
};

export const plainProgress = (sink: Sink, style: Style, options: { colors: boolean }): Progress => {
	const shown = new Map<string, string>();
	let width = 0;
	let begun = false;
	let waits = "";
	const say = (text: string): void => {
		sink.write(`${text}\n`);
	};
	return {
		update: (run) => {
			if (!begun) say(runHeadline(run, style));
			begun = true;
			width = prefixWidth(run);
			const reason = run.state === "queued" ? run.reason : "";
			if (reason !== "" && reason !== waits) say(`${style.state(run.state)("· queued")}  ${oneLine(reason)}`);
			waits = reason;
			for (const step of run.stepList) {
				const moment = momentOf(step);
				if (moment === "" || shown.get(step.key) === moment) continue;
				shown.set(step.key, moment);
				const values = formatValues(step.matrix);
				const took = step.finishedAtMs === null ? "" : formatSpan(step.startedAtMs, step.finishedAtMs, Date.now());
				const rest = [values, took, describeStep(step)].filter((part) => part !== "").join("  ");
				const state = style.state(step.state)(`${signOf(step)} ${step.state}`);
				say(`${state} ${style.bold(step.key)}${rest === "" ? "" : `  ${rest}`}`);
			}
		},
		line: ({ label, text }) => say(`${logPrefix(label, width, style)} ${escapeControls(text, options.colors)}`),
		note: (text) => say(style.waiting(`! ${escapeControls(text)}`)),
		close: () => undefined,
	};
};

/** The last word on a run: what happened, how long it took, and where to look when it failed. */
export const summarize = (run: RunDetail, style: Style): string[] => {
	const span = formatDuration((run.finishedAtMs ?? run.submittedAtMs) - run.submittedAtMs);
	const count = (state: StepView["state"]): number => run.stepList.filter((step) => step.state === state).length;
	const counts = (["succeeded", "failed", "cancelled", "skipped"] as const)
		.map((state) => ({ state, steps: count(state) }))
		.filter(({ steps }) => steps > 0)
		.map(({ state, steps }) => `${steps} ${state}`);
	const lines = [`run ${style.bold(run.id)} ${style.state(run.state)(run.state)} in ${span}: ${counts.join(", ")}`];
	const taken = run.stepList.filter(({ takenFrom }) => takenFrom !== null).length;
	if (taken > 0) lines.push(style.dim(`≡ ${plural(taken, "result")} of earlier runs taken`));
	if (run.reason !== "") lines.push(style.waiting(`! ${oneLine(run.reason)}`));
	for (const step of run.stepList.filter(({ state }) => state === "failed").slice(0, 5)) {
		lines.push(`${style.bad("✗")} ${style.bold(step.key)}  ${describeStep(step)}`);
		if (step.attempts.length > 0) lines.push(style.dim(`  runmesh logs ${run.id} ${step.key}`));
	}
	if (run.state === "failed") lines.push(style.dim(`again, what did not succeed: runmesh runs retry ${run.id}`));
	return lines;
};
