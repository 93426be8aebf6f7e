/**
 * Keeps attempts to their limits and measures what they take: by cells where this host has them, else by looking at
 * their processes.
 */

import type { Limits } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import { isAlive, type ProcessIdentity } from "#shared/process.ts";
import type { LimitCause } from "../../core/state.ts";
import type { AttemptPaths } from "../files/paths.ts";
import { readNamed } from "../files/process-record.ts";
import { type Box, newBox } from "./box.ts";
import { type BoxRecord, boxLine, readBox } from "./box-record.ts";
import type { Cell } from "./cell.ts";
import { attempt, type Cells, keptBy, openCells } from "./cells.ts";
import { measure, type Taken } from "./measure.ts";
import { waitedCpuSeconds } from "./process-table.ts";
import { watchBoxes } from "./watch.ts";

export type LimitMode = "auto" | "watch" | "off";

export interface LimitOptions {
	/** The agent's. */
	folder: string;
	mode: LimitMode;
	/** Of one attempt, at once; 0 for any number. */
	maxProcesses: number;
	onExceeded(attemptId: AttemptId, cause: LimitCause, reason: string): void;
}

/** An attempt of an earlier agent. */
export interface Recalled {
	attemptId: AttemptId;
	paths: AttemptPaths;
	limits: Limits;
	/** null when it is gone. */
	supervisor: ProcessIdentity | null;
}

export interface AttemptLimits {
	/** What this host keeps, and how. */
	readonly ways: Readonly<Record<string, string>>;
	readonly cells: Cells | null;
	/** About to be told to its supervisor. What it answers belongs at the head of what that one runs. */
	begin(attemptId: AttemptId, limits: Limits, supervisor: ProcessIdentity, cell: Cell | null): string;
	/** Once, after recovery. */
	recall(attempts: readonly Recalled[]): void;
	/** null when it has none. */
	cellOf(attemptId: AttemptId): Cell | null;
	/** Ends all of it, whatever it starts meanwhile. */
	kill(attemptId: AttemptId): void;
	/** It was not started after all. */
	drop(attemptId: AttemptId): void;
	/** It has ended, and nothing of it is left: what it took. */
	end(attemptId: AttemptId, paths: AttemptPaths, exitCode: number | null): Taken;
	close(): void;
}

/** Its supervisor and what the kernel keeps for it count too: of less, nobody can say what is the step's. */
const LEAST_BYTES = 16 * 1024 ** 2;
/** Threads too: a wall for what grows too fast to be watched. */
const TASKS_PER_PROCESS = 4;

export const keepLimits = ({ folder, mode, maxProcesses, onExceeded }: LimitOptions): AttemptLimits => {
	const cells = mode === "auto" ? openCells(folder, maxProcesses * TASKS_PER_PROCESS) : null;
	const boxes = new Map<AttemptId, Box>();
	const uses = new WeakMap<Cell, number>();
	/** Cells of an earlier agent's supervisors, which take no other attempt. */
	const recalled = new WeakSet<Cell>();
	const watch = watchBoxes(boxes, { isOn: mode !== "off", maxProcesses, onExceeded });

	const attend = (box: Box): void => {
		letGo(box.attemptId);
		boxes.set(box.attemptId, box);
		if (box.cell) cells?.hold(box.cell);
		watch.start();
	};

	const letGo = (attemptId: AttemptId): Box | null => {
		const box = boxes.get(attemptId) ?? null;
		boxes.delete(attemptId);
		if (box?.cell) cells?.letGo(box.cell);
		return box;
	};

	const holdTo = (cell: Cell, { memoryBytes, cpuMillis }: Limits): Set<string> => {
		const kept = new Set<string>();
		try {
			cell.limit({ memoryBytes: memoryBytes && Math.max(memoryBytes, LEAST_BYTES), cpuMillis });
			for (const name of ["memory", "cpu"] as const) if (keptBy(cells, name)) kept.add(name);
		} catch {
			// What it holds of files, perhaps, and can't let go: it is watched then.
			if (attempt(() => cell.limit({ memoryBytes: 0, cpuMillis })) !== null && keptBy(cells, "cpu")) kept.add("cpu");
		}
		return kept;
	};

	return {
		ways: waysOf(mode, cells),
		cells,
		begin: (attemptId, limits, supervisor, cell) => {
			const byCell = cell ? holdTo(cell, limits) : new Set<string>();
			const kept: Record<string, string> = {};
			if (limits.memoryBytes > 0 && mode !== "off") {
				kept.memory = cell && byCell.has("memory") ? cell.way : WATCHED;
			}
			// By disk/attempt-sizes.ts.
			if (limits.diskBytes > 0 && mode !== "off") kept.disk = WATCHED;
			if (limits.cpuMillis > 0) kept.cpu = cell && byCell.has("cpu") ? cell.way : BY_ENVIRONMENT;
			const counted = cell && attempt(() => cell.mark());
			const mark = counted ?? { cpuSeconds: waitedCpuSeconds(supervisor.pid), peakMemoryBytes: 0 };
			const use = cell ? (uses.get(cell) ?? 0) + 1 : 0;
			if (cell) uses.set(cell, use);
			attend(newBox({ attemptId, limits, supervisor, cell, mark, kept }));
			return boxLine({ cell: cell && { way: cell.way, folders: { ...cell.folders } }, use, mark, kept });
		},
		recall: (attempts) => {
			const recorded = attempts.map((of) => ({ ...of, record: readBox(of.paths) }));
			for (const { attemptId, limits, supervisor, record, paths } of recorded) {
				if (!record) continue;
				const isLast = recorded.every((other) => !isLaterIn(record, other.record));
				const cell = isLast && isItsOwn(supervisor, paths) ? openRecorded(cells, record) : null;
				if (cell) recalled.add(cell);
				attend(newBox({ attemptId, limits, supervisor, cell, mark: record.mark, kept: record.kept }));
			}
			cells?.clear([...boxes.values()].flatMap(({ cell }) => (cell ? [cell] : [])));
		},
		cellOf: (attemptId) => boxes.get(attemptId)?.cell ?? null,
		kill: (attemptId) => {
			const cell = boxes.get(attemptId)?.cell;
			if (cell) attempt(() => cell.kill());
		},
		drop: (attemptId) => void letGo(attemptId),
		end: (attemptId, paths, exitCode) => {
			const taken = measure(boxes.get(attemptId) ?? null, paths, exitCode);
			const box = letGo(attemptId);
			if (box?.cell && recalled.has(box.cell)) cells?.retire(box.cell);
			return taken;
		},
		close: () => {
			watch.close();
			cells?.close();
		},
	};
};

const WATCHED = "watched";
/** How many threads the usual libraries start. */
const BY_ENVIRONMENT = "OMP_NUM_THREADS";

const waysOf = (mode: LimitMode, cells: Cells | null): Record<string, string> => {
	if (mode === "off") return {};
	const canWatch = process.platform === "linux";
	const otherwise = canWatch ? WATCHED : "";
	const ways = {
		memory: keptBy(cells, "memory") ? cells?.kind.way : otherwise,
		cpu: keptBy(cells, "cpu") ? cells?.kind.way : BY_ENVIRONMENT,
		disk: process.platform === "win32" ? "" : WATCHED,
		processes: keptBy(cells, "processes") ? cells?.kind.way : otherwise,
	};
	return Object.fromEntries(Object.entries(ways).filter((entry): entry is [string, string] => Boolean(entry[1])));
};

/** Its supervisor went on to others: the cell is theirs now. */
const isLaterIn = (record: BoxRecord, other: BoxRecord | null): boolean =>
	record.cell !== null &&
	other?.cell != null &&
	other.use > record.use &&
	JSON.stringify(other.cell.folders) === JSON.stringify(record.cell.folders);

/** Of an attempt that has ended: whoever ran it, and lives, may have gone on to one that nobody tells of. */
const isItsOwn = (supervisor: ProcessIdentity | null, paths: AttemptPaths): boolean => {
	if (supervisor) return true;
	const named = readNamed(paths);
	return named === null || !isAlive(named);
};

const openRecorded = (cells: Cells | null, { cell }: BoxRecord): Cell | null =>
	cell && cells && cells.kind.way === cell.way ? cells.recall(cell.folders) : null;
