/** Numbers, times and sizes as people read them. */

import type { AttemptView, StepView } from "#shared/api.ts";
import type { Metric, Resources } from "#shared/domain.ts";
import type { ParamValue } from "#shared/pipeline/definition.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export const formatBytes = (bytes: number): string => {
	const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
	const value = bytes / 1024 ** power;
	return `${power === 0 || value >= 100 ? Math.round(value) : Number(value.toFixed(1))} ${UNITS[power]}`;
};

/** "85ms", "3.2s", "4m12s", "2h05m", "3d4h" */
export const formatDuration = (ms: number): string => {
	if (ms < 0) return "0ms";
	if (ms < 1_000) return `${Math.round(ms)}ms`;
	if (ms < 59_950) return `${(ms / 1_000).toFixed(1)}s`;
	const seconds = Math.round(ms / 1_000);
	const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3_600), Math.floor(seconds / 86_400)];
	const padded = (value: number): string => String(value).padStart(2, "0");
	if (hours < 1) return `${minutes}m${padded(seconds % 60)}s`;
	if (days < 1) return `${hours}h${padded(minutes % 60)}m`;
	return `${days}d${hours % 24}h`;
};

/** How long ago, in one unit. */
export const formatAge = (atMs: number, nowMs: number): string => {
	const seconds = Math.floor((nowMs - atMs) / 1_000);
	if (seconds < 2) return "now";
	if (seconds < 60) return `${seconds}s ago`;
	if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ago`;
	if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h ago`;
	return `${Math.floor(seconds / 86_400)}d ago`;
};

export const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** Four digits say enough of a metric; whole numbers stay whole. */
export const formatNumber = (value: number): string =>
	Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));

export const formatMetrics = (metrics: readonly Metric[], atMost = 4): string => {
	const shown = metrics.slice(0, atMost).map(({ name, value }) => `${name}=${formatNumber(value)}`);
	if (metrics.length > atMost) shown.push(`+${metrics.length - atMost}`);
	return shown.join(" ");
};

export const formatValues = (values: Record<string, ParamValue>): string =>
	Object.entries(values)
		.map(([name, value]) => `${name}=${value}`)
		.join(" ");

/** "2 cpu, 1 GiB, 50 GiB disk, 1 gpu 10 GiB A100, 2 matlab" */
export const formatResources = ({ cpuMillis, memoryBytes, diskBytes, gpu, named }: Resources): string => {
	const parts = [`${formatNumber(cpuMillis / 1_000)} cpu`];
	if (memoryBytes > 0) parts.push(formatBytes(memoryBytes));
	if (diskBytes > 0) parts.push(`${formatBytes(diskBytes)} disk`);
	if (gpu && gpu.count > 0) {
		const memory = gpu.memoryBytes > 0 ? ` ${formatBytes(gpu.memoryBytes)}` : "";
		parts.push(`${gpu.count} gpu${memory}${gpu.model ? ` ${gpu.model}` : ""}`);
	}
	parts.push(...Object.entries(named).map(([name, count]) => `${count} ${name}`));
	return parts.join(", ");
};

/** From start to end, or to now while it goes on; "" before it started. */
export const formatSpan = (startMs: number | null, endMs: number | null, nowMs: number): string =>
	startMs === null ? "" : formatDuration((endMs ?? nowMs) - startMs);

export const lastAttempt = (step: StepView): AttemptView | undefined => step.attempts.at(-1);

/** Where its newest attempt is or was, a gang's by rank: "lab-1", "lab-1 lab-2", "lab-1 and 7 more". */
export const lastAgents = (step: StepView): string => {
	const { agent = "", members = [] } = lastAttempt(step) ?? {};
	return members.length > 2 ? `${agent} and ${members.length} more` : [agent, ...members].join(" ");
};

/** Long digests are told apart by their beginning. */
export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, "").slice(0, 12);
