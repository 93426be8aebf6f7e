/**
 * What of this machine's use is ours: the agent's, its supervisors' and their attempts'. Models that are served here
 * are not among it: what they take can't be placed.
 */

import { readFile } from "node:fs/promises";
import type { AttemptId } from "#shared/ids.ts";
import { bootId, fieldsOfStat, startOfStat } from "#shared/process.ts";
import { attemptOf, processIds, TICKS_PER_SECOND, textOf } from "../system/proc.ts";

export interface OwnUse {
	/** Since it was asked last. */
	cpuSeconds: number;
	memoryBytes: number;
	/** Of the memory, what attempts use beyond what they claimed: nobody else can have it. */
	excessBytes: number;
}

interface Own {
	/** null for the agent itself, and a supervisor that waits. */
	attempt: AttemptId | null;
	pid: number;
	/** The pid alone may be another's by the next look. */
	start: string;
	parent: number;
	/** In clock ticks since the machine's start. */
	startedAt: number;
	/** With its children that have ended. */
	cpuTicks: number;
}

/** A process of this size may share much of it with others. */
const LARGE_BYTES = 64 * 1024 ** 2;

/**
 * `isHere` says whether an attempt is one of this agent's: another may run on the same machine. `claimed` is the memory
 * that it has claimed.
 */
export const ownUseMeter = (
	isHere: (attemptId: AttemptId) => boolean,
	claimed: (attemptId: AttemptId) => number,
): (() => Promise<OwnUse>) => {
	let before = new Map<string, Own>();
	let lookedAt = Number.POSITIVE_INFINITY;
	const marks = createMarks(isHere);
	return async () => {
		const own = new Map(ownProcesses(marks).map((process) => [process.start, process]));
		const cpuTicks = ticksSince(before, own, lookedAt);
		before = own;
		lookedAt = ticksNow();
		let memoryBytes = 0;
		const used = new Map<AttemptId, number>();
		for (const { attempt, bytes } of await Promise.all([...own.values()].map(memoryOf))) {
			memoryBytes += bytes;
			if (attempt !== null) used.set(attempt, (used.get(attempt) ?? 0) + bytes);
		}
		let excessBytes = 0;
		for (const [attempt, bytes] of used) excessBytes += Math.max(0, bytes - claimed(attempt));
		return { cpuSeconds: cpuTicks / TICKS_PER_SECOND, memoryBytes, excessBytes };
	};
};

/**
 * A child's time becomes its parent's when it ends: where that is ours too, what the child had is taken off. One that
 * was not ours before has a past that is no part of this.
 */
const ticksSince = (before: ReadonlyMap<string, Own>, own: ReadonlyMap<string, Own>, lookedAt: number): number => {
	let ticks = 0;
	for (const [start, { cpuTicks, startedAt }] of own) {
		const known = before.get(start);
		if (known) ticks += cpuTicks - known.cpuTicks;
		else if (startedAt >= lookedAt) ticks += cpuTicks;
	}
	const living = new Set([...own.values()].map(({ pid }) => pid));
	for (const [start, { parent, cpuTicks }] of before) {
		if (!own.has(start) && living.has(parent)) ticks -= cpuTicks;
	}
	return Math.max(0, ticks);
};

interface Marks {
	/** null for none of this agent's. */
	attemptOf(pid: number, start: string): AttemptId | null;
	/** A look is over. */
	swept(): void;
}

interface Mark {
	attempt: string | null;
	/** A process that is just being started may get its environment yet. */
	isSure: boolean;
}

/** An environment is read once, or twice where it says nothing. */
const createMarks = (isHere: (attemptId: AttemptId) => boolean): Marks => {
	let known = new Map<string, Mark>();
	let seen = new Map<string, Mark>();
	return {
		attemptOf: (pid, start) => {
			const before = known.get(start);
			const attempt = before?.isSure ? before.attempt : attemptOf(pid);
			seen.set(start, { attempt, isSure: before !== undefined || attempt !== null });
			return attempt !== null && isHere(attempt as AttemptId) ? (attempt as AttemptId) : null;
		},
		swept: () => {
			known = seen;
			seen = new Map();
		},
	};
};

/** The agent, sessions that its children lead, sessions in which an attempt's process is, and such processes alone. */
const ownProcesses = (marks: Marks): Own[] => {
	const all: { process: Own; session: number; isOwn: boolean }[] = [];
	const sessions = new Map<number, AttemptId | null>();
	for (const pid of processIds()) {
		const stat = textOf(`/proc/${pid}/stat`);
		const start = startOfStat(stat, `${bootId()} ${pid}`);
		if (start === null) continue;
		const fields = fieldsOfStat(stat);
		const [parent, session] = [Number(fields[1]), Number(fields[3])];
		const attempt = marks.attemptOf(pid, start);
		const isLed = parent === process.pid && session === pid;
		if (attempt !== null || (isLed && !sessions.has(session))) sessions.set(session, attempt);
		const isOwn = attempt !== null || pid === process.pid;
		all.push({ process: { ...ownOf(pid, start, stat), attempt }, session, isOwn });
	}
	marks.swept();
	return all
		.filter(({ session, isOwn }) => isOwn || sessions.has(session))
		.map(({ process, session }) => ({ ...process, attempt: process.attempt ?? sessions.get(session) ?? null }));
};

const ownOf = (pid: number, start: string, stat: string): Omit<Own, "attempt"> => {
	const fields = fieldsOfStat(stat);
	/** As proc(5) counts them. */
	const field = (number: number): number => Number(fields[number - 3] ?? 0);
	return {
		pid,
		start,
		parent: field(4),
		startedAt: field(22),
		cpuTicks: field(14) + field(15) + field(16) + field(17),
	};
};

/** Memory that would be free without it. Shared by many, much of it is looked at closely: that takes a while. */
const memoryOf = async ({ pid, attempt }: Own): Promise<{ attempt: AttemptId | null; bytes: number }> => {
	const status = textOf(`/proc/${pid}/status`);
	const own = kibibytes(status, "RssAnon") + kibibytes(status, "RssShmem");
	if (own < LARGE_BYTES) return { attempt, bytes: own };
	const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "latin1").catch(() => "");
	const isTold = rollup.includes("Pss_Anon:");
	return { attempt, bytes: isTold ? kibibytes(rollup, "Pss_Anon") + kibibytes(rollup, "Pss_Shmem") : own };
};

/** In bytes; 0 where it is not told. */
const kibibytes = (text: string, name: string): number =>
	Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0) * 1024;

const ticksNow = (): number => Math.floor(Number.parseFloat(textOf("/proc/uptime")) * TICKS_PER_SECOND);
