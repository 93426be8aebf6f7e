/** Looks at running attempts every second: what their cells or their processes tell of memory, CPU time and number. */

import type { AttemptId } from "#shared/ids.ts";
import type { LimitCause } from "../../core/state.ts";
import type { Box } from "./box.ts";
import type { Cell } from "./cell.ts";
import { attempt } from "./cells.ts";
import { usedOf } from "./measure.ts";
import { familyOf, type ProcessTable, readTable, sharedOutBytes } from "./process-table.ts";

export interface BoxWatch {
	/** There are boxes to look at. */
	start(): void;
	close(): void;
}

export interface WatchOptions {
	isOn: boolean;
	/** Of one attempt, at once; 0 for any number. */
	maxProcesses: number;
	onExceeded(attemptId: AttemptId, cause: LimitCause, reason: string): void;
}

const LOOK_MS = 1_000;
/** One look alone may meet a moment that is over at once, such as a program that starts itself again. */
const TIMES_OVER = 2;

export const watchBoxes = (boxes: ReadonlyMap<AttemptId, Box>, options: WatchOptions): BoxWatch => {
	const maxProcesses = options.maxProcesses || Number.POSITIVE_INFINITY;
	const canLook = process.platform === "linux" && options.isOn;
	let timer: NodeJS.Timeout | null = null;

	const exceeded = (box: Box, cause: LimitCause, reason: string): void => {
		if (box.exceeded) return;
		box.exceeded = true;
		options.onExceeded(box.attemptId, cause, reason);
	};

	const countProcesses = (box: Box, count: number): void => {
		if (count <= maxProcesses) return;
		exceeded(
			box,
			"error",
			`ran ${count} processes at once, of at most ${maxProcesses}; its agent's --max-processes sets that`,
		);
	};

	const lookInto = (box: Box, cell: Cell): void => {
		const isHeld = box.limits.memoryBytes > 0 && box.kept.memory === cell.way;
		// What it left of itself waits for what was killed, perhaps.
		if (isHeld && cell.outOfMemoryKills() > 0) {
			exceeded(box, "oom", usedOf(box.limits.memoryBytes, box.limits.memoryBytes));
		}
		note(box, cell.memoryBytes());
		const tasks = cell.tasks();
		if (tasks === 0 || tasks > maxProcesses) countProcesses(box, cell.processIds().length - 1);
	};

	const lookAt = (box: Box, table: ProcessTable): void => {
		const family = familyIn(box, table);
		box.seen.family = family;
		let memoryBytes = 0;
		let cpuSeconds = 0;
		for (const pid of family.keys()) {
			memoryBytes += table.get(pid)?.memoryBytes ?? 0;
			cpuSeconds += table.get(pid)?.cpuSeconds ?? 0;
		}
		countProcesses(box, family.size);
		const limit = box.kept.memory === "watched" ? box.limits.memoryBytes : 0;
		if (limit > 0 && memoryBytes > limit) memoryBytes = sharedOutBytes(family.keys()) ?? memoryBytes;
		note(box, memoryBytes);
		box.seen.cpuSeconds = Math.max(box.seen.cpuSeconds, cpuSeconds);
		box.timesOver = limit > 0 && memoryBytes > limit ? box.timesOver + 1 : 0;
		if (box.timesOver >= TIMES_OVER) exceeded(box, "oom", usedOf(box.seen.peakMemoryBytes, limit));
	};

	const look = (): void => {
		if (boxes.size === 0) return stop();
		let table: ProcessTable | null = null;
		for (const box of [...boxes.values()]) {
			if (box.cell) attempt(() => lookInto(box, box.cell as Cell));
			if (needsTable(box)) {
				// Where no more files can be opened nothing is told, and nothing forgotten.
				table ??= attempt(readTable);
				if (table) lookAt(box, table);
			}
		}
	};

	const stop = (): void => {
		if (timer) clearInterval(timer);
		timer = null;
	};

	return {
		start: () => {
			if (canLook) timer ??= setInterval(look, LOOK_MS);
		},
		close: stop,
	};
};

const needsTable = ({ cell, kept }: Box): boolean => cell === null || kept.memory === "watched";

const note = ({ seen }: Box, memoryBytes: number): void => {
	seen.peakMemoryBytes = Math.max(seen.peakMemoryBytes, memoryBytes);
};

const familyIn = ({ cell, supervisor, seen }: Box, table: ProcessTable): Map<number, number> => {
	if (!cell) return supervisor ? familyOf(supervisor.pid, table, seen.family) : new Map();
	const ids = attempt(() => cell.processIds()) ?? [];
	return new Map(ids.filter((pid) => pid !== supervisor?.pid).map((pid) => [pid, table.get(pid)?.start ?? 0]));
};
