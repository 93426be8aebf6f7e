/** Small words that the sentences are made of. */

import type { AttemptView, StepView } from "#shared/api.ts";
import type { Failure, Usage } from "#shared/domain.ts";
import { formatBytes } from "#shared/pipeline/units.ts";

/** "85 ms", "12 s", "3 min", "2 h 5 min", "3 d 4 h" */
export const duration = (ms: number): string => {
	if (ms < 1_000) return `${Math.max(1, Math.round(ms))} ms`;
	const seconds = Math.round(ms / 1_000);
	if (seconds < 60) return `${seconds} s`;
	const minutes = Math.floor(seconds / 60);
	if (minutes < 60) return `${minutes} min`;
	const hours = Math.floor(minutes / 60);
	const [large, small] = hours < 24 ? [`${hours} h`, minutes % 60] : [`${Math.floor(hours / 24)} d`, hours % 24];
	return small === 0 ? large : `${large} ${small} ${hours < 24 ? "min" : "h"}`;
};

/** "a", "a and b", "a, b and c", "a, b, c and 4 more" */
export const listed = (items: readonly string[], most = 3): string => {
	const shown = items.length > most + 1 ? items.slice(0, most) : items;
	const rest = items.length - shown.length;
	const parts = rest > 0 ? [...shown, `${rest} more`] : shown;
	const last = parts.at(-1) ?? "";
	return parts.length < 2 ? last : `${parts.slice(0, -1).join(", ")} and ${last}`;
};

export const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;

export const failureWords = ({ cause, message }: Failure): string =>
	cause === "error" || cause === "rejected" || message.includes(cause) ? message : `${message} (${cause})`;

/** "failed (exit code 1)", "was lost (lab-2 was not heard for 30 s)" */
export const howItEnded = ({ state, failure, reason }: AttemptView): string => {
	const why = failure ? failureWords(failure) : reason;
	const word = { lost: "was lost", cancelled: "was cancelled", declined: "was handed back" }[state as string] ?? state;
	return `${word}${why === "" ? "" : ` (${why})`}`;
};

/** "lab-1", "lab-1, lab-2 and lab-3" */
export const agentsOf = ({ agent, members }: AttemptView): string => listed([agent, ...members]);

/** "peak 1.2Gi of 2Gi, 34 s of CPU, set-up 12 s"; "" where nothing was measured. `limitBytes` is 0 without a limit. */
export const usageWords = (usage: Usage | null, limitBytes = 0): string => {
	if (!usage) return "";
	const { peakMemoryBytes, cpuSeconds, gpuSeconds, peakGpuMemoryBytes, setupMs } = usage;
	const parts: string[] = [];
	const limit = limitBytes > 0 ? ` of ${formatBytes(limitBytes)}` : "";
	if (peakMemoryBytes > 0) parts.push(`peak ${formatBytes(peakMemoryBytes)}${limit}`);
	if (cpuSeconds >= TOLD_S) parts.push(`${duration(cpuSeconds * 1_000)} of CPU`);
	if (gpuSeconds >= TOLD_S) parts.push(`${duration(gpuSeconds * 1_000)} of GPU`);
	if (peakGpuMemoryBytes > 0) parts.push(`GPU memory ${formatBytes(peakGpuMemoryBytes)}`);
	if (setupMs >= TOLD_S * 1_000) parts.push(`set-up ${duration(setupMs)}`);
	return parts.join(", ");
};

/** Less of a thing says nothing. */
const TOLD_S = 1;

export const lastAttempt = (step: StepView): AttemptView | undefined => step.attempts.at(-1);

/** "on lab-1 after 3 min"; "" for what has not run. */
export const ran = (attempt: AttemptView | undefined): string => {
	if (!attempt) return "";
	const { startedAtMs, finishedAtMs } = attempt;
	const took = startedAtMs === null || finishedAtMs === null ? "" : ` after ${duration(finishedAtMs - startedAtMs)}`;
	return ` on ${agentsOf(attempt)}${took}`;
};

export const isSettled = ({ state }: StepView): boolean =>
	state === "succeeded" || state === "failed" || state === "cancelled" || state === "skipped";
