/** What is kept of an attempt while it runs, to hold it to its limits and to tell what it took. */

import type { Limits } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import type { ProcessIdentity } from "#shared/process.ts";
import type { Cell, CellMark } from "./cell.ts";

export interface Box {
	readonly attemptId: AttemptId;
	readonly limits: Limits;
	/** null when it is gone. */
	readonly supervisor: ProcessIdentity | null;
	/** null where there are none: then its processes are looked at. */
	readonly cell: Cell | null;
	readonly mark: CellMark;
	/** By limit: how it is kept. */
	readonly kept: Readonly<Record<string, string>>;
	/** What the looks found: the most memory, the most CPU time, and the processes, by pid, with their start. */
	seen: { peakMemoryBytes: number; cpuSeconds: number; family: Map<number, number> };
	/** Looks in a row at which it used more memory than it may. */
	timesOver: number;
	/** It has been told of. */
	exceeded: boolean;
}

export const newBox = (of: Pick<Box, "attemptId" | "limits" | "supervisor" | "cell" | "mark" | "kept">): Box => ({
	...of,
	seen: { peakMemoryBytes: 0, cpuSeconds: 0, family: new Map() },
	timesOver: 0,
	exceeded: false,
});
