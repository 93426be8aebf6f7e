/**
 * The attempts' processes: started under a supervisor, adopted from an earlier agent, signalled, ended. Supervisors
 * tell this agent when they start and end; a regular look finds what was told to an agent that died.
 */

import type { Limits } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import { isAlive, type ProcessIdentity } from "#shared/process.ts";
import type { Exit } from "../../core/inputs.ts";
import { signalGroup } from "../../system/process.ts";
import type { AttemptPaths } from "../files/paths.ts";
import { readExit, readStart, writeLaunch } from "../files/process-record.ts";
import type { Cell } from "../limits/cell.ts";
import type { AttemptLimits } from "../limits/limits.ts";
import type { Taken } from "../limits/measure.ts";
import { exitOf } from "../processes/exit.ts";
import type { Environment } from "../setup/environment.ts";
import { exitLeftBy } from "./exit.ts";
import { createLeftovers, type Found } from "./leftovers.ts";
import { createPausing } from "./pausing.ts";
import { createSupervisors } from "./supervisors.ts";

export interface ProcessEvents {
	onStarted(attemptId: AttemptId): void;
	/** `error` says why, where it is known. */
	onNotStarted(attemptId: AttemptId, error: unknown): void;
	onExited(attemptId: AttemptId, exit: Exit): void;
}

export interface AttemptProcesses {
	/** Once, after recovery. */
	startAhead(): void;
	/** `script` is what its supervisor runs, and holds it to the limits. */
	launch(attemptId: AttemptId, paths: AttemptPaths, script: string, limits: Limits): void;
	adopt(attemptId: AttemptId, paths: AttemptPaths, supervisor: ProcessIdentity): void;
	signal(attemptId: AttemptId, name: NodeJS.Signals): void;
	/** It stands still, or goes on. */
	pause(attemptId: AttemptId): void;
	resume(attemptId: AttemptId): void;
	/** Whatever is left of it; then what it took. */
	end(attemptId: AttemptId, paths: AttemptPaths, exitCode: number | null): Promise<{ found: Found; taken: Taken }>;
	/** Processes run on. */
	close(): void;
}

interface Followed {
	paths: AttemptPaths;
	/** null until it has started. */
	supervisor: ProcessIdentity | null;
	/** Started by an earlier agent: it does not tell this one how it ends. */
	adopted: boolean;
	script: string;
	limits: Limits;
	launches: number;
	askedAtMs: number;
}

const LOOK_MS = 500;
/** Should its supervisor have started unheard. */
const UNHEARD_MS = 2_000;
const LAUNCHES = 3;
const NO_LIMITS: Limits = { cpuMillis: 0, memoryBytes: 0, diskBytes: 0 };

/** `root` is the folder of the attempts' folders. */
export const followProcesses = (
	root: string,
	environment: Environment,
	kept: AttemptLimits,
	events: ProcessEvents,
	nowMs: () => number,
): AttemptProcesses => {
	/** Those whose end is awaited. */
	const followed = new Map<AttemptId, Followed>();
	/** Those that ended a moment ago: their supervisor's number is not another's yet. */
	const ended = new Map<AttemptId, ProcessIdentity>();
	const leftovers = createLeftovers();
	const pausing = createPausing();
	let timer: NodeJS.Timeout | null = null;

	const follow = (attemptId: AttemptId, of: Followed): void => {
		followed.set(attemptId, of);
		timer ??= setInterval(look, LOOK_MS);
	};

	const unfollow = (attemptId: AttemptId): void => {
		followed.delete(attemptId);
		if (followed.size > 0 || !timer) return;
		clearInterval(timer);
		timer = null;
	};

	const supervisors = createSupervisors(root, environment, kept.cells, {
		onTold: (attemptId, supervisor, cell) => told(attemptId, supervisor, cell),
		onStarted: (attemptId, supervisor) => started(attemptId, supervisor),
		onEnded: (attemptId, code) => exited(attemptId, exitOf(code, nowMs())),
		onFailed: (attemptId) => launchFailed(attemptId),
		onVanished: (attemptId) => vanished(attemptId),
	});

	const told = (attemptId: AttemptId, supervisor: ProcessIdentity, cell: Cell | null): boolean => {
		const of = followed.get(attemptId);
		if (!of) return false;
		try {
			const box = kept.begin(attemptId, of.limits, supervisor, cell);
			writeLaunch(of.paths, supervisor, `${box}${of.script}`);
			return true;
		} catch (error) {
			unfollow(attemptId);
			kept.drop(attemptId);
			events.onNotStarted(attemptId, error);
			return false;
		}
	};

	const started = (attemptId: AttemptId, supervisor: ProcessIdentity): void => {
		const of = followed.get(attemptId);
		if (!of || of.supervisor) return;
		of.supervisor = supervisor;
		events.onStarted(attemptId);
	};

	const exited = (attemptId: AttemptId, exit: Exit): void => {
		const supervisor = followed.get(attemptId)?.supervisor;
		if (!supervisor) return;
		unfollow(attemptId);
		ended.set(attemptId, supervisor);
		events.onExited(attemptId, exit);
	};

	const vanished = (attemptId: AttemptId): void => {
		const of = followed.get(attemptId);
		if (of) exited(attemptId, exitLeftBy(of.paths, nowMs()));
	};

	/** What it wrote tells of one that did start, unheard. */
	const heedStart = (attemptId: AttemptId, of: Followed): boolean => {
		const supervisor = readStart(of.paths)?.supervisor;
		if (!supervisor) return false;
		of.adopted = true;
		started(attemptId, supervisor);
		return true;
	};

	const launchFailed = (attemptId: AttemptId): void => {
		const of = followed.get(attemptId);
		if (!of || of.supervisor || heedStart(attemptId, of)) return;
		if (of.launches < LAUNCHES) {
			of.launches++;
			supervisors.launch(attemptId);
			return;
		}
		unfollow(attemptId);
		kept.drop(attemptId);
		events.onNotStarted(attemptId, null);
	};

	const look = (): void => {
		for (const [attemptId, of] of followed) {
			if (!of.supervisor) {
				if (nowMs() - of.askedAtMs > UNHEARD_MS) heedStart(attemptId, of);
			} else if (of.adopted && (readExit(of.paths) || !isAlive(of.supervisor))) vanished(attemptId);
		}
	};

	return {
		startAhead: supervisors.startAhead,
		launch: (attemptId, paths, script, limits) => {
			const asked = { script, limits, launches: 1, askedAtMs: nowMs() };
			follow(attemptId, { paths, supervisor: null, adopted: false, ...asked });
			supervisors.launch(attemptId);
		},
		adopt: (attemptId, paths, supervisor) => {
			const asked = { script: "", limits: NO_LIMITS, launches: 0, askedAtMs: nowMs() };
			follow(attemptId, { paths, supervisor, adopted: true, ...asked });
		},
		signal: (attemptId, name) => {
			const supervisor = followed.get(attemptId)?.supervisor;
			if (supervisor && isAlive(supervisor)) signalGroup(supervisor.pid, name);
			if (name === "SIGKILL") kept.kill(attemptId);
		},
		pause: (attemptId) => {
			const supervisor = followed.get(attemptId)?.supervisor;
			if (supervisor && isAlive(supervisor)) void pausing.pause(attemptId, supervisor, kept.cellOf(attemptId));
		},
		resume: (attemptId) => {
			const supervisor = followed.get(attemptId)?.supervisor;
			if (supervisor && isAlive(supervisor)) pausing.resume(attemptId, supervisor, kept.cellOf(attemptId));
		},
		end: async (attemptId, paths, exitCode) => {
			// null when it ended while no agent ran.
			const supervisor = ended.get(attemptId) ?? null;
			ended.delete(attemptId);
			const cell = kept.cellOf(attemptId);
			let found = cell ? await leftovers.endIn(cell, supervisor) : "unknown";
			if (found === "unknown") found = await leftovers.end(attemptId, supervisor, paths.folder);
			// Before its cell is another's.
			const taken = kept.end(attemptId, paths, exitCode);
			const { isClean } = taken;
			// One that had to be killed, or none to tell by: then its group ends, and its supervisor with it.
			if (supervisor && isClean && (found === "none" || found === "held")) supervisors.free(attemptId);
			else if (supervisor) signalGroup(supervisor.pid, "SIGKILL");
			return { found, taken };
		},
		close: () => {
			supervisors.close();
			if (timer) clearInterval(timer);
		},
	};
};
