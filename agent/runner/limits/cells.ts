/** The agent's cells: one for each supervisor, made with it and removed after it. */

import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { parseOwnGroups } from "../../system/own-groups.ts";
import {
	type Cell,
	type CellKind,
	entrancesOf,
	groupsIn,
	type LimitName,
	makeFolders,
	readIds,
	removeFolders,
} from "./cell.ts";
import { cgroupV1 } from "./cgroup-v1.ts";
import { cgroupV2 } from "./cgroup-v2.ts";

export interface Cells {
	readonly kind: CellKind;
	/** For a supervisor about to be started; null when none can be made now. */
	make(): Cell | null;
	/** One that an earlier agent made; null when it is gone. */
	recall(folders: Readonly<Record<string, string>>): Cell | null;
	/** Kept, whoever is in it, until it is let go. */
	hold(cell: Cell): void;
	letGo(cell: Cell): void;
	/** Removed as soon as nobody is in it, or holds it. */
	retire(cell: Cell): void;
	/** Once: what an earlier agent left, but for those that hold attempts. What still runs there is ended. */
	clear(kept: readonly Cell[]): void;
	close(): void;
}

const PREFIX = "runmesh-";
const RETRY_MS = 500;
/** Of another agent, that may just be making its first. */
const YOUNG_MS = 60_000;

/** null where this host lets the agent make none. `folder` is the agent's; 0 tasks are any number. */
export const openCells = (folder: string, tasks: number): Cells | null => {
	const group = groupOf(folder);
	const kind = process.platform === "linux" ? kindHere(group) : null;
	if (!kind) return null;
	const { bases } = kind;
	const session = randomBytes(4).toString("hex");
	let made = 0;
	const held = new Set<Cell>();
	let retired: Cell[] = [];
	let timer: NodeJS.Timeout | null = null;

	const remove = (): void => {
		timer = null;
		retired = retired.filter((cell) => {
			if (held.has(cell)) return true;
			cell.close();
			return !removeFolders(cell.folders);
		});
		if (retired.length > 0) timer = setTimeout(remove, RETRY_MS);
	};

	const cells: Cells = {
		kind,
		make: () => {
			const folders = within(bases, `${session}-${++made}`);
			try {
				makeFolders(folders);
				const cell = kind.open(folders);
				if (tasks > 0) cell.limitTasks(tasks);
				return cell;
			} catch {
				removeFolders(folders);
				return null;
			}
		},
		recall: (folders) => {
			// A copy of another agent's folder names that one's.
			const isOurs = (folder: string): boolean => basename(dirname(folder)) === group && existsSync(folder);
			return Object.values(folders).every(isOurs) ? kind.open(folders) : null;
		},
		hold: (cell) => void held.add(cell),
		letGo: (cell) => void held.delete(cell),
		retire: (cell) => {
			retired.push(cell);
			timer ??= setTimeout(remove, 0);
		},
		clear: (kept) => {
			const keep = new Set(kept.flatMap(({ folders }) => Object.values(folders)));
			for (const name of groupsIn(Object.values(bases)[0] ?? "")) {
				const folders = within(bases, name);
				if (name.startsWith(`${session}-`) || Object.values(folders).some((folder) => keep.has(folder))) continue;
				const cell = kind.open(folders);
				attempt(() => cell.kill());
				cells.retire(cell);
			}
		},
		close: () => {
			if (timer) clearTimeout(timer);
			remove();
			if (timer) clearTimeout(timer);
		},
	};
	return cells;
};

const within = (bases: Readonly<Record<string, string>>, name: string): Record<string, string> =>
	Object.fromEntries(Object.entries(bases).map(([controller, base]) => [controller, `${base}/${name}`]));

/** The same after a restart: what is found there is this agent's. */
const groupOf = (folder: string): string =>
	`${PREFIX}${createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 10)}`;

const kindHere = (group: string): CellKind | null => {
	const own = attempt(() =>
		parseOwnGroups(readFileSync("/proc/self/cgroup", "utf8"), readFileSync("/proc/self/mountinfo", "utf8")),
	);
	if (!own) return null;
	// Of a hybrid host's version 2 nothing but a list of processes can be had.
	const hasV1 = Object.keys(own.v1).length > 0;
	const kind = hasV1 ? attempt(() => cgroupV1(own.v1, group)) : attempt(() => own.v2 && cgroupV2(own.v2, group));
	if (!kind) return null;
	sweep(kind.bases);
	return works(kind) ? kind : null;
};

/** By a try: who may make a group may still not be let into it. */
const works = (kind: CellKind): boolean => {
	const folders = within(kind.bases, "trial");
	try {
		makeFolders(folders);
		const cell = kind.open(folders);
		cell.limit({ memoryBytes: 64 * 1024 ** 2, cpuMillis: 1_000 });
		cell.limitTasks(64);
		const enter = entrancesOf(cell).map((entrance) => `echo 0 >'${entrance}'`);
		execFileSync("/bin/sh", ["-c", enter.join(" && ")], { stdio: "ignore" });
		cell.mark();
		cell.close();
		return true;
	} catch {
		return false;
	} finally {
		removeFolders(folders);
	}
};

/** Groups that agents left who never came back to their folders. */
const sweep = (bases: Readonly<Record<string, string>>): void => {
	for (const base of Object.values(bases)) {
		const beside = base.slice(0, base.lastIndexOf("/"));
		for (const name of groupsIn(beside).filter((name) => name.startsWith(PREFIX))) {
			const group = `${beside}/${name}`;
			if (group === base || !isAbandoned(group)) continue;
			for (const cell of groupsIn(group)) removeFolders({ cell: `${group}/${cell}` });
			removeFolders({ group });
		}
	}
};

const isAbandoned = (group: string): boolean =>
	attempt(() => Date.now() - statSync(group).mtimeMs > YOUNG_MS) === true &&
	[group, ...groupsIn(group).map((name) => `${group}/${name}`)].every(
		(folder) => attempt(() => readIds(folder).length === 0) === true,
	);

/** Every process that has come into it is in all of it. */
export const isIn = (cell: Cell, pid: number): boolean =>
	attempt(() => Object.values(cell.folders).every((folder) => readIds(folder).includes(pid))) === true;

export const attempt = <T>(act: () => T): T | null => {
	try {
		return act();
	} catch {
		return null;
	}
};

export const keptBy = (cells: Cells | null, name: LimitName): boolean => cells?.kind.keeps.includes(name) === true;
