/**
 * What an attempt leaves running: all that is in its cell; without one, processes of its supervisor's session, and those
 * outside it that carry RUNMESH_ATTEMPT in their environment. One look at /proc serves every attempt that has just ended, and reads only
 * processes it has not seen, for an attempt's process descends from one that was the attempt's already.
 */

import { readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { AttemptId } from "#shared/ids.ts";
import { fieldsOfStat, identifyProcess, isAlive, type ProcessIdentity } from "#shared/process.ts";
import { attemptOf, processIds, textOf } from "../../system/proc.ts";
import { signalProcess } from "../../system/process.ts";
import type { Cell } from "../limits/cell.ts";
import { attempt } from "../limits/cells.ts";

export interface Leftovers {
	/**
	 * Ends all that is left of the attempt. `supervisor` leads its session; null when that is gone, and its number may be
	 * another's. `folder` is the attempt's.
	 */
	end(attemptId: AttemptId, supervisor: ProcessIdentity | null, folder: string): Promise<Found>;
	/** The same for one in a cell, which holds whatever it started, and nothing else but its supervisor; "unknown" when the cell does not tell. */
	endIn(cell: Cell, supervisor: ProcessIdentity | null): Promise<Found>;
}

/**
 * "unknown" where the system does not tell; "living" when some would not go; "held" when one that is not known to be the
 * attempt's works in its folder or writes its output.
 */
export type Found = "none" | "ended" | "held" | "living" | "unknown";

interface Process {
	session: number;
	/** In ticks since the machine's start. */
	start: number;
	/** What it works in and writes to; null until somebody asks. */
	places: string[] | null;
	/** null when it is none of an attempt, not ours to read, or gone. */
	attempt: string | null;
}

/** Looks follow each other no sooner: attempts that end meanwhile share the next. */
const LOOK_MS = 10;
/** In so short a time the system does not come round to a pid again. */
const SEEN_FOR_MS = 2_000;
const ROUNDS = 40;
const ROUND_MS = 25;
/** What is gone and can't be read has session 0. */
const NO_SESSION = -1;

export const createLeftovers = (): Leftovers => {
	let seen = new Map<number, Process>();
	let seenAtMs = Number.NEGATIVE_INFINITY;
	let next: Promise<Map<number, Process>> | null = null;

	const look = (): Map<number, Process> => {
		const nowMs = performance.now();
		seen = lookAtAll(nowMs - seenAtMs < SEEN_FOR_MS ? seen : new Map());
		seenAtMs = nowMs;
		return seen;
	};

	/** At processes as they are after this call. */
	const lookSoon = (): Promise<Map<number, Process>> => {
		const waitMs = seenAtMs + LOOK_MS - performance.now();
		if (waitMs <= 0 && !next) return Promise.resolve(look());
		next ??= delay(Math.max(0, waitMs)).then(() => {
			next = null;
			return look();
		});
		return next;
	};

	return {
		end: async (attemptId, supervisor, folder) => {
			const session = supervisor?.pid ?? NO_SESSION;
			if (process.platform !== "linux") return "unknown";
			for (let round = 0; round < ROUNDS; round++) {
				let living = 0;
				const all = await lookSoon();
				for (const [pid, found] of all) {
					if (found.attempt !== attemptId && (found.session !== session || pid === session)) continue;
					if (!signalProcess(pid, "SIGKILL")) continue;
					living++;
					// Still there the next time, it must be known for what it is.
					seen.delete(pid);
				}
				if (living === 0) {
					if (!supervisor) return "unknown";
					if (isHeld(all, supervisor, folder)) return "held";
					return round === 0 ? "none" : "ended";
				}
				await delay(ROUND_MS);
			}
			return "living";
		},
		endIn: async (cell, supervisor) => {
			if (supervisor && attempt(() => cell.holdsOne()) && isAlive(supervisor)) return "none";
			/** What leaves the cell to die is not gone yet. */
			let found: ProcessIdentity[] = [];
			for (let round = 0; round < ROUNDS; round++) {
				const all = attempt(() => cell.processIds());
				if (!all) return "unknown";
				const ids = all.filter((pid) => pid !== supervisor?.pid);
				found = [...found.filter(isAlive), ...ids.flatMap((pid) => identifyProcess(pid) ?? [])];
				if (ids.length === 0 && found.length === 0) return round === 0 ? "none" : "ended";
				attempt(() => cell.kill());
				await delay(ROUND_MS);
			}
			return "living";
		},
	};
};

export interface AttemptProcess {
	pid: number;
	/** As the system tells it: "R", "S", "T". */
	state: string;
}

/** "" of one that is gone. */
export const stateOf = (pid: number): string => fieldsOfStat(textOf(`/proc/${pid}/stat`))[0] ?? "";

/** All that belong to an attempt now, but its supervisor. [] where the system does not tell. */
export const processesOf = (attemptId: AttemptId, { pid: session }: ProcessIdentity): AttemptProcess[] => {
	if (process.platform !== "linux") return [];
	const found: AttemptProcess[] = [];
	for (const pid of processIds()) {
		if (pid === session) continue;
		const fields = fieldsOfStat(textOf(`/proc/${pid}/stat`));
		const state = fields[0] ?? "";
		if (state === "" || state === "Z" || state === "X") continue;
		if (Number(fields[3]) === session || attemptOf(pid) === attemptId) found.push({ pid, state });
	}
	return found;
};

/** By one that let go of its session and its environment: it began after the supervisor. */
const isHeld = (all: ReadonlyMap<number, Process>, { pid, start }: ProcessIdentity, folder: string): boolean => {
	const since = Number(start.split(" ")[1] ?? 0);
	for (const [other, found] of all) {
		if (found.attempt !== null || other === pid || found.start < since) continue;
		found.places ??= placesOf(other);
		if (found.places.some((place) => place === folder || place.startsWith(`${folder}/`))) return true;
	}
	return false;
};

const lookAtAll = (seen: ReadonlyMap<number, Process>): Map<number, Process> => {
	const present = new Map<number, Process>();
	for (const pid of processIds()) {
		present.set(pid, seen.get(pid) ?? { ...originOf(pid), attempt: attemptOf(pid), places: null });
	}
	return present;
};

/** Zeros when it is gone. */
const originOf = (pid: number): Pick<Process, "session" | "start"> => {
	const fields = fieldsOfStat(textOf(`/proc/${pid}/stat`));
	if (fields[0] === "Z") return { session: 0, start: 0 };
	return { session: Number(fields[3] ?? 0), start: Number(fields[19] ?? 0) };
};

/** Its folder and where its words go; none of one that is gone, or not ours to read. */
const placesOf = (pid: number): string[] =>
	["cwd", "fd/1", "fd/2"].flatMap((name) => {
		try {
			return [readlinkSync(`/proc/${pid}/${name}`)];
		} catch {
			return [];
		}
	});
