/** All processes of this host as /proc tells of them, and which of them are an attempt's where no cell says so. */

import { readFileSync } from "node:fs";
import { fieldsOfStat } from "#shared/process.ts";
import { processIds, TICKS_PER_SECOND, textOf } from "../../system/proc.ts";

export interface ProcessLine {
	parent: number;
	session: number;
	/** In ticks since the machine's start: with the pid, it names one process. */
	start: number;
	/** Its own, and of its children that it waited for. */
	cpuSeconds: number;
	memoryBytes: number;
}

export type ProcessTable = ReadonlyMap<number, ProcessLine>;

export const parseStat = (stat: string, pageBytes: number): ProcessLine | null => {
	// From the third, the state, to the 24th, the resident pages.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ", 22);
	const [state, parent, , session] = fields;
	if (fields.length < 22 || state === "Z" || state === "X") return null;
	const ticks = fields.slice(11, 15).reduce((sum, text) => sum + Number(text), 0);
	return {
		parent: Number(parent),
		session: Number(session),
		start: Number(fields[19]),
		cpuSeconds: ticks / TICKS_PER_SECOND,
		memoryBytes: Number(fields[21]) * pageBytes,
	};
};

export const readTable = (): ProcessTable => {
	const table = new Map<number, ProcessLine>();
	for (const pid of processIds()) {
		const line = parseStat(textOf(`/proc/${pid}/stat`), pageBytes());
		if (line) table.set(pid, line);
	}
	return table;
};

/**
 * Of each supervisor: what it started, and what those started, in its session or out of it. `known` are those that were
 * found before, by pid, with their start: a process whose parent has gone is found by that.
 */
export const familyOf = (
	supervisor: number,
	table: ProcessTable,
	known: ReadonlyMap<number, number>,
): Map<number, number> => {
	const family = new Map<number, number>();
	const children = childrenIn(table);
	const found = [...(children.get(supervisor) ?? [])];
	for (const [pid, { session }] of table) if (session === supervisor) found.push(pid);
	for (const [pid, start] of known) if (table.get(pid)?.start === start) found.push(pid);
	for (let pid = found.pop(); pid !== undefined; pid = found.pop()) {
		const line = table.get(pid);
		if (!line || pid === supervisor || family.has(pid)) continue;
		family.set(pid, line.start);
		found.push(...(children.get(pid) ?? []));
	}
	return family;
};

const childrenOf = new WeakMap<ProcessTable, Map<number, number[]>>();

const childrenIn = (table: ProcessTable): Map<number, number[]> => {
	const made = childrenOf.get(table);
	if (made) return made;
	const children = new Map<number, number[]>();
	for (const [pid, { parent }] of table) {
		const siblings = children.get(parent);
		if (siblings) siblings.push(pid);
		else children.set(parent, [pid]);
	}
	childrenOf.set(table, children);
	return children;
};

/** CPU time of the children that a process has waited for; null when it is gone, or the system does not tell. */
export const waitedCpuSeconds = (pid: number): number | null => {
	const [user, system] = fieldsOfStat(textOf(`/proc/${pid}/stat`)).slice(13, 15);
	return user === undefined || system === undefined ? null : (Number(user) + Number(system)) / TICKS_PER_SECOND;
};

/** Memory that several of them share counts once; null where the system does not tell. */
export const sharedOutBytes = (pids: Iterable<number>): number | null => {
	let bytes = 0;
	for (const pid of pids) {
		const text = textOf(`/proc/${pid}/smaps_rollup`);
		if (text === "") continue;
		const [, kibibytes] = /^Pss:\s+(\d+) kB/m.exec(text) ?? [];
		if (kibibytes === undefined) return null;
		bytes += Number(kibibytes) * 1024;
	}
	return bytes > 0 ? bytes : null;
};

let page = 0;

/** From the vector that the kernel gives every process: pairs of a key and a value. */
const pageBytes = (): number => {
	if (page > 0) return page;
	const PAGE_SIZE = 6n;
	const vector = readBytes("/proc/self/auxv");
	for (let at = 0; at + 16 <= vector.length; at += 16) {
		if (vector.readBigUInt64LE(at) === PAGE_SIZE) page = Number(vector.readBigUInt64LE(at + 8));
	}
	page ||= 4_096;
	return page;
};

const readBytes = (path: string): Buffer => {
	try {
		return readFileSync(path);
	} catch {
		return Buffer.alloc(0);
	}
};
