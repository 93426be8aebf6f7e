/**
 * What an attempt leaves running: processes of its supervisor's session, and those outside it that carry
 * RUNMESH_ATTEMPT in their environment. One look at /proc serves every attempt that has just ended, and reads only
 * processes it has not seen, for an attempt's process descends from one that was the attempt's already.
 */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { AttemptId } from "#shared/ids.ts";
import { signalProcess } from "./process.ts";

export interface Leftovers {
	/** Ends all that is left of the attempt. `session` is its supervisor's. */
	end(attemptId: AttemptId, session: number): Promise<Found>;
}

/** "unknown" where the system does not tell; "living" when some would not go. */
export type Found = "none" | "ended" | "living" | "unknown";

interface Process {
	session: number;
	/** null when it is none of an attempt, not ours to read, or gone. */
	attempt: string | null;
}

/** Looks follow each other no sooner: attempts that end meanwhile share the next. */
const LOOK_MS = 10;
/** In so short a time the system does not come round to a pid again. */
const SEEN_FOR_MS = 2_000;
const ROUNDS = 40;
const ROUND_MS = 25;

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
		end: async (attemptId, session) => {
			if (process.platform !== "linux") return "unknown";
			for (let round = 0; round < ROUNDS; round++) {
				let living = 0;
				for (const [pid, found] of await lookSoon()) {
					if (found.attempt !== attemptId && (found.session !== session || pid === session)) continue;
					if (!signalProcess(pid, "SIGKILL")) continue;
					living++;
					// Still there the next time, it must be known for what it is.
					seen.delete(pid);
				}
				if (living === 0) return round === 0 ? "none" : "ended";
				await delay(ROUND_MS);
			}
			return "living";
		},
	};
};

const lookAtAll = (seen: ReadonlyMap<number, Process>): Map<number, Process> => {
	const present = new Map<number, Process>();
	for (const name of readdirSync("/proc")) {
		const pid = Number(name);
		if (pid > 0) present.set(pid, seen.get(pid) ?? { session: sessionOf(pid), attempt: attemptOf(pid) });
	}
	return present;
};

/** 0 when it is gone. The name in parentheses may hold anything; the fields after it count from the third. */
const sessionOf = (pid: number): number => {
	const stat = readOf(pid, "stat");
	const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ", 4);
	return state === "Z" ? 0 : Number(session ?? 0);
};

const MARK = "RUNMESH_ATTEMPT=";

const attemptOf = (pid: number): string | null => {
	const environment = readOf(pid, "environ");
	const at = environment.startsWith(MARK) ? 0 : environment.indexOf(`\0${MARK}`) + 1;
	if (at === 0 && !environment.startsWith(MARK)) return null;
	const end = environment.indexOf("\0", at);
	return environment.slice(at + MARK.length, end === -1 ? undefined : end);
};

/** "" when it is gone, or not ours to read. */
const readOf = (pid: number, file: "environ" | "stat"): string => {
	try {
		return readFileSync(`/proc/${pid}/${file}`, "latin1");
	} catch {
		return "";
	}
};
