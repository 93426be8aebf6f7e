/** A run's progress on a terminal: logs scroll, and below them a table of the steps is kept up to date. */

import type { RunDetail, StepView } from "#shared/api.ts";
import type { Sink } from "../context.ts";
import type { LogLine } from "../lib/log-lines.ts";
import { formatDuration, formatSpan, formatValues } from "./format.ts";
import { describeStep, logPrefix, type Progress, prefixWidth, runHeadline, signOf } from "./progress.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { escapeControls, truncate } from "./text.ts";

const NO_WRAP = "\u001b[?7l";
const WRAP = "\u001b[?7h";
const REDRAW_MS = 80;
const MAX_PENDING_LINES = 2_000;
const columns = [
	{ header: "" },
	{ header: "step", flexible: true },
	{ header: "matrix", flexible: true },
	{ header: "state" },
	{ header: "time", align: "right" },
	{ header: "", flexible: true },
] as const;

const INTEREST: Record<StepView["state"], number> = {
	running: 0,
	held: 1,
	failed: 2,
	backoff: 3,
	leased: 4,
	ready: 5,
	succeeded: 6,
	cancelled: 7,
	waiting: 8,
	skipped: 9,
};

/** The steps that matter most now, in the pipeline's order. */
export const mostInteresting = (steps: readonly StepView[], room: number): StepView[] => {
	if (steps.length <= room) return [...steps];
	const chosen = [...steps].sort((a, b) => INTEREST[a.state] - INTEREST[b.state]).slice(0, room);
	const kept = new Set(chosen);
	return steps.filter((step) => kept.has(step));
};

/** The table's lines, no more than `height`. */
export const renderSteps = (
	run: RunDetail,
	style: Style,
	size: { width: number | null; height: number },
	nowMs: number,
): string[] => {
	const shown = mostInteresting(run.stepList, Math.max(1, size.height - 2));
	const rows = shown.map((step) => [
		{ text: signOf(step), paint: style.state(step.state) },
		step.key,
		{ text: formatValues(step.matrix), paint: style.dim },
		{ text: step.state, paint: style.state(step.state) },
		formatSpan(step.startedAtMs, step.finishedAtMs, nowMs),
		{ text: describeStep(step), paint: style.dim },
	]);
	const { total, succeeded, failed, running } = run.steps;
	const elapsed = formatDuration((run.finishedAtMs ?? nowMs) - run.submittedAtMs);
	const hidden = run.stepList.length - shown.length;
	const waits = run.state === "queued" ? `queued: ${run.reason}` : "";
	const counts = [
		waits,
		`${succeeded}/${total} done`,
		`${running} running`,
		failed > 0 ? `${failed} failed` : "",
		elapsed,
	];
	if (hidden > 0) counts.push(`${hidden} more`);
	const summary = counts.filter((part) => part !== "").join(" · ");
	return [
		...renderTable(columns, rows, { width: size.width, header: style.dim }),
		style.dim(size.width === null ? summary : truncate(summary, size.width)),
	];
};

export const liveProgress = (sink: Sink & { rows?: number }, style: Style, options: { colors: boolean }): Progress => {
	let run: RunDetail | null = null;
	let drawn = 0;
	let width = 0;
	let above: string[] = [];
	let timer: NodeJS.Timeout | undefined;
	let drawingSoon = false;

	/** Lines of the table must not wrap, or moving up by their number would miss. */
	const unwrapped = (lines: string[]): string => `${NO_WRAP}${lines.map((line) => `${line}\n`).join("")}${WRAP}`;
	const erase = (): string => (drawn > 0 ? `\u001b[${drawn}A\r\u001b[J` : "");
	const draw = (): void => {
		clearTimeout(timer);
		drawingSoon = false;
		// Durations grow while nothing else happens.
		timer = setTimeout(draw, 1_000);
		timer.unref();
		const size = { width: (sink.columns ?? 80) - 1, height: Math.max(4, (sink.rows ?? 24) - 2) };
		const lines = run ? renderSteps(run, style, size, Date.now()) : [];
		sink.write(erase() + above.map((line) => `${line}\n`).join("") + unwrapped(lines));
		drawn = lines.length;
		above = [];
	};
	/** Many changes at once are drawn once. */
	const redrawSoon = (): void => {
		if (above.length > MAX_PENDING_LINES) draw();
		else if (!drawingSoon) {
			drawingSoon = true;
			clearTimeout(timer);
			timer = setTimeout(draw, REDRAW_MS);
		}
	};
	const put = (text: string): void => {
		above.push(text);
		redrawSoon();
	};
	return {
		update: (now) => {
			if (run === null) above.push(runHeadline(now, style));
			run = now;
			width = prefixWidth(now);
			redrawSoon();
		},
		line: ({ label, text }: LogLine) =>
			put(`${logPrefix(label, width, style)} ${escapeControls(text, options.colors)}`),
		note: (text) => put(style.waiting(`! ${escapeControls(text)}`)),
		close: () => {
			if (run === null) return;
			// The whole table stays, however long, as the record of the run.
			const lines = renderSteps(run, style, { width: (sink.columns ?? 80) - 1, height: 200 }, Date.now());
			clearTimeout(timer);
			drawingSoon = true;
			sink.write(erase() + above.map((line) => `${line}\n`).join("") + unwrapped(lines));
			drawn = 0;
			above = [];
			run = null;
		},
	};
};
