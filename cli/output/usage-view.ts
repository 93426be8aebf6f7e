/** What the steps of a run took, for people: those that took something worth a line. */

import type { RunDetail, StepView } from "#shared/api.ts";
import type { Usage } from "#shared/domain.ts";
import { formatBytes, formatDuration, lastAttempt } from "./format.ts";
import type { View } from "./print.ts";
import type { Cell, Column } from "./table.ts";

interface Figure extends Column {
	of(usage: Usage): string;
}

/** Less says nothing of a step. */
const TOLD_MS = 1_000;
const TOLD_BYTES = 64 * 1024 ** 2;

const time = (ms: number): string => (ms >= TOLD_MS ? formatDuration(ms) : "");
const size = (bytes: number): string => (bytes >= TOLD_BYTES ? formatBytes(bytes) : "");

const figures: readonly Figure[] = [
	{ header: "PEAK MEMORY", align: "right", of: ({ peakMemoryBytes }) => size(peakMemoryBytes) },
	{ header: "CPU", align: "right", of: ({ cpuSeconds }) => time(cpuSeconds * 1_000) },
	{ header: "GPU", align: "right", of: ({ gpuSeconds }) => time(gpuSeconds * 1_000) },
	{ header: "GPU MEMORY", align: "right", of: ({ peakGpuMemoryBytes }) => size(peakGpuMemoryBytes) },
	{ header: "SET-UP", align: "right", of: ({ setupMs }) => time(setupMs) },
];

/** Of the newest attempt that says. */
const usageOf = (step: StepView): Usage | null =>
	lastAttempt(step)?.usage ?? step.attempts.findLast(({ usage }) => usage !== null)?.usage ?? null;

/** [] where there is nothing to tell. */
export const usageLines = ({ stepList }: RunDetail, view: View): string[] => {
	const rows = stepList.flatMap((step) => {
		const usage = usageOf(step);
		const cells = usage ? figures.map((figure) => figure.of(usage)) : [];
		return cells.some((cell) => cell !== "") ? [{ key: step.key, cells }] : [];
	});
	if (rows.length === 0) return [];
	const shown = figures.map((_, index) => index).filter((index) => rows.some(({ cells }) => cells[index] !== ""));
	const columns = shown.flatMap((index): Column[] => figures.slice(index, index + 1));
	return [
		"",
		...view.table(
			[{ header: "TOOK" }, ...columns],
			rows.map(({ key, cells }): Cell[] => [key, ...shown.map((index) => cells[index] ?? "")]),
		),
	];
};
