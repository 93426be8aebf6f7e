/**
 * A cell is where a supervisor and all that it starts live: a control group, of version 1 one in each hierarchy. Its
 * supervisor enters it once, as it begins, and attempts that run under it one after the other are held to their limits
 * there: to enter costs far more than to write a limit, and nothing that is started later gets out.
 *
 * The supervisor is in it too. Should an attempt use up all of its memory, the kernel may take the supervisor as well:
 * then the attempt is over without an exit code, as when somebody killed it, and the cell tells why.
 */

import {
	closeSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	readSync,
	rmdirSync,
	writeFileSync,
	writeSync,
} from "node:fs";

/** What a cell may hold its processes to. */
export type LimitName = "memory" | "cpu" | "processes";

export type CellWay = "cgroup v1" | "cgroup v2";

/** 0 is no limit. */
export interface CellLimits {
	memoryBytes: number;
	cpuMillis: number;
}

/** Counters from which an attempt's own part counts. */
export interface CellMark {
	/** null where they are not told. */
	cpuSeconds: number | null;
	peakMemoryBytes: number;
}

export interface Cell {
	readonly way: CellWay;
	/** Its folder by controller; "" is that of version 2. */
	readonly folders: Readonly<Record<string, string>>;
	/** All of the following throw what the system says. */
	limit(limits: CellLimits): void;
	/** Threads count. */
	limitTasks(tasks: number): void;
	/** What is counted from here on is the next attempt's. */
	mark(): CellMark;
	processIds(): number[];
	/** One process, without threads, is in it; false too where that would take long to tell. */
	holdsOne(): boolean;
	/** Threads count; 0 where it is not told. */
	tasks(): number;
	cpuSeconds(): number;
	/** Without what the kernel keeps of files. */
	memoryBytes(): number;
	/** Of files, what the kernel keeps in memory for it. */
	fileBytes(): number;
	/** With that. */
	peakMemoryBytes(mark: CellMark): number;
	/** So many of its processes the kernel killed for want of memory. */
	outOfMemoryKills(): number;
	/** Nothing of an attempt is kept in it that would count as the next one's. */
	isClean(): boolean;
	/** Ends all that is in it, whatever it starts meanwhile. */
	kill(): void;
	/** It is not asked any more. */
	close(): void;
}

/** A file of the kernel's that is asked often: opened once, for that costs most. */
export interface Gauge {
	read(): string;
	write(text: string): void;
	close(): void;
}

const buffer = Buffer.alloc(8_192);

export const openGauge = (path: string, flags: "r" | "r+" = "r"): Gauge => {
	let file: number | null = null;
	const opened = (): number => {
		file ??= openSync(path, flags);
		return file;
	};
	return {
		read: () => buffer.toString("latin1", 0, readSync(opened(), buffer, 0, buffer.length, 0)),
		write: (text) => void writeSync(opened(), text, 0),
		close: () => {
			if (file !== null) closeSync(file);
			file = null;
		},
	};
};

/** What makes cells on this host. */
export interface CellKind {
	readonly way: CellWay;
	readonly keeps: readonly LimitName[];
	/** Folders that hold the agent's cells, by controller. */
	readonly bases: Readonly<Record<string, string>>;
	open(folders: Readonly<Record<string, string>>): Cell;
}

/** Of CPU time, so much is given anew in each. */
export const PERIOD_US = 100_000;
/** Below, a supervisor could not do its own part in time. */
const LEAST_QUOTA_US = 10_000;

/** Of each period. */
export const quotaUs = (cpuMillis: number): number =>
	Math.max(LEAST_QUOTA_US, Math.round((cpuMillis * PERIOD_US) / 1_000));

/** Kept of files by one that hardly did anything. */
export const CLEAN_BYTES = 16 * 1024 ** 2;

export const readNumber = (path: string): number => Number(readFileSync(path, "utf8"));

export const readField = (path: string, name: string): number => fieldOf(readFileSync(path, "utf8"), name);

/** Of a line "name number"; 0 without it. */
export const fieldOf = (text: string, name: string): number => {
	const at = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1;
	return at === 0 && !text.startsWith(`${name} `) ? 0 : Number.parseInt(text.slice(at + name.length + 1), 10);
};

export const readIds = (folder: string): number[] =>
	readFileSync(`${folder}/cgroup.procs`, "utf8").split("\n").filter(Boolean).map(Number);

export const write = (path: string, value: string | number): void => writeFileSync(path, String(value));

export const entrancesOf = ({ folders }: Cell): string[] =>
	Object.values(folders).map((folder) => `${folder}/cgroup.procs`);

export const makeFolders = (folders: Readonly<Record<string, string>>): void => {
	for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
};

/** False while somebody is in it. */
export const removeFolders = (folders: Readonly<Record<string, string>>): boolean => {
	let isGone = true;
	for (const folder of Object.values(folders)) {
		try {
			rmdirSync(folder);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ENOENT") isGone = false;
		}
	}
	return isGone;
};

export const groupsIn = (folder: string): string[] => {
	try {
		return readdirSync(folder, { withFileTypes: true }).flatMap((item) => (item.isDirectory() ? [item.name] : []));
	} catch {
		return [];
	}
};
