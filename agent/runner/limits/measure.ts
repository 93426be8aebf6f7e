/** What an attempt took, told when it has ended: by its cell, else by what was noted and seen of it. */

import { formatBytes } from "#shared/pipeline/units.ts";
import type { AttemptPaths } from "../files/paths.ts";
import type { Box } from "./box.ts";
import { readTimes } from "./box-record.ts";
import { type Cell, CLEAN_BYTES } from "./cell.ts";
import { attempt } from "./cells.ts";

export interface Taken {
	cpuSeconds: number;
	peakMemoryBytes: number;
	/** How each of its limits was kept. */
	limits: Record<string, string>;
	/** Why the kernel killed some of it, for a person; "" when it did not. */
	outOfMemory: string;
	/** Its cell, if it had one, can take the next. */
	isClean: boolean;
}

export const measure = (box: Box | null, paths: AttemptPaths, exitCode: number | null): Taken => {
	const nothing = { cpuSeconds: 0, peakMemoryBytes: 0, limits: {}, outOfMemory: "", isClean: true };
	if (!box) return nothing;
	const limits = { ...box.kept };
	if (!box.cell) {
		const { cpuSeconds, peakMemoryBytes } = box.seen;
		return { ...nothing, limits, cpuSeconds: Math.max(noted(box, paths), cpuSeconds), peakMemoryBytes };
	}
	const { cell } = box;
	const told = attempt(() => inCell(box, cell));
	if (!told) return { ...nothing, limits, isClean: false };
	const outOfMemory = whyKilled(box, cell, told, exitCode);
	return { ...told, limits, outOfMemory, isClean: outOfMemory === "" && told.isClean };
};

type Told = Pick<Taken, "cpuSeconds" | "peakMemoryBytes" | "isClean">;

const inCell = (box: Box, cell: Cell): Told => {
	const cpuSeconds = rounded(cell.cpuSeconds() - (box.mark.cpuSeconds ?? 0));
	const peak = cell.peakMemoryBytes(box.mark);
	if (peak > 0 && peak <= CLEAN_BYTES) return { cpuSeconds, peakMemoryBytes: peak, isClean: true };
	// Files that were read or written fill whatever memory there is: what is left of them in the end is no need of it.
	const peakMemoryBytes = Math.max(box.seen.peakMemoryBytes, peak - cell.fileBytes());
	return { cpuSeconds, peakMemoryBytes, isClean: cell.isClean() };
};

const noted = ({ mark }: Box, paths: AttemptPaths): number => {
	const times = readTimes(paths);
	return times === null || mark.cpuSeconds === null ? 0 : rounded(times - mark.cpuSeconds);
};

const rounded = (seconds: number): number => Math.max(0, Math.round(seconds * 1_000) / 1_000);

/** "" when the kernel killed none of it. */
const whyKilled = ({ limits, kept, seen }: Box, cell: Cell, told: Told, exitCode: number | null): string => {
	const limit = kept.memory === cell.way ? limits.memoryBytes : 0;
	// A step that did without a process which others took the memory of has done its work; one that took too much has not.
	if (exitCode === 0 && (limit === 0 || isFarFrom(limit, told))) return "";
	if (!attempt(() => cell.outOfMemoryKills())) return "";
	const used = Math.max(told.peakMemoryBytes, seen.peakMemoryBytes, limit);
	if (limit > 0) return usedOf(used, limit);
	return `the machine ran out of memory, and its kernel killed a process of this step, which used ${formatBytes(used)}; declare resources.memory`;
};

/** Then nothing was killed. */
const isFarFrom = (limit: number, { isClean, peakMemoryBytes }: Told): boolean =>
	isClean && peakMemoryBytes < limit / 2;

/** "used 1.3Gi of 1Gi; raise resources.memory" */
export const usedOf = (used: number, limit: number): string =>
	`used ${formatBytes(used)} of ${formatBytes(limit)}; raise resources.memory`;
