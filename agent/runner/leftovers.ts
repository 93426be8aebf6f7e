/**
 * What an attempt leaves running: children outside its process group still carry RUNMESH_ATTEMPT in their
 * environment. One look at /proc serves every attempt that ends, and reads only processes it has not seen, for an
 * attempt's process descends from one that carried the name already. Elsewhere than Linux the group is all we know.
 */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { AttemptId } from "#shared/ids.ts";
import { signalProcess } from "./process.ts";

/** In so short a time the system does not come round to a pid again. */
const SEEN_FOR_MS = 2_000;
const ROUNDS = 40;
const ROUND_MS = 25;

const MARK = "RUNMESH_ATTEMPT=";

let seen = new Map<number, string | null>();
let seenAtMs = 0;

/** Processes of each attempt. */
export const attemptProcesses = (): Map<AttemptId, number[]> => {
	const byAttempt = new Map<AttemptId, number[]>();
	if (process.platform !== "linux") return byAttempt;
	const nowMs = performance.now();
	const before = nowMs - seenAtMs < SEEN_FOR_MS ? seen : new Map<number, string | null>();
	const present = new Map<number, string | null>();
	for (const name of readdirSync("/proc")) {
		const pid = Number(name);
		if (!(pid > 0)) continue;
		const attempt = before.get(pid) ?? (before.has(pid) ? null : attemptOf(pid));
		present.set(pid, attempt);
		if (attempt === null) continue;
		const pids = byAttempt.get(attempt as AttemptId);
		if (pids) pids.push(pid);
		else byAttempt.set(attempt as AttemptId, [pid]);
	}
	seen = present;
	seenAtMs = nowMs;
	return byAttempt;
};

/** Ends them all; false when some would not go. */
export const killLeftovers = async (attemptId: AttemptId): Promise<boolean> => {
	for (let round = 0; round < ROUNDS; round++) {
		const pids = attemptProcesses().get(attemptId) ?? [];
		const living = pids.filter((pid) => signalProcess(pid, "SIGKILL"));
		if (living.length === 0) return true;
		for (const pid of living) seen.delete(pid);
		await delay(ROUND_MS);
	}
	return false;
};

/** null when it is none of an attempt, not ours to read, or gone. */
const attemptOf = (pid: number): string | null => {
	let environment: string;
	try {
		environment = readFileSync(`/proc/${pid}/environ`, "latin1");
	} catch {
		return null;
	}
	const at = environment.startsWith(MARK) ? 0 : environment.indexOf(`\0${MARK}`) + 1;
	if (at === 0 && !environment.startsWith(MARK)) return null;
	const end = environment.indexOf("\0", at);
	return environment.slice(at + MARK.length, end === -1 ? undefined : end);
};
