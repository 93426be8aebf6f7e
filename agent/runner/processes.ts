/**
 * The attempts' processes: started under a supervisor, adopted from an earlier agent, signalled, ended. Supervisors
 * tell this agent when they start and end; a regular look finds what was told to an agent that died.
 */

import type { AttemptId } from "#shared/ids.ts";
import { isAlive, type ProcessIdentity } from "#shared/process.ts";
import type { Exit } from "../core/inputs.ts";
import { exitOf } from "./collect.ts";
import type { Environment } from "./environment.ts";
import { createLeftovers, type Found } from "./leftovers.ts";
import type { AttemptPaths } from "./paths.ts";
import { signalGroup } from "./process.ts";
import { readExit, readStart, writeLaunch } from "./record.ts";
import { exitLeftBy } from "./recover.ts";
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
	/** `script` is what its supervisor runs. */
	launch(attemptId: AttemptId, paths: AttemptPaths, script: string): void;
	adopt(attemptId: AttemptId, paths: AttemptPaths, supervisor: ProcessIdentity): void;
	signal(attemptId: AttemptId, name: NodeJS.Signals): void;
	/** Whatever is left of it. */
	end(attemptId: AttemptId, paths: AttemptPaths): Promise<Found>;
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
	launches: number;
	askedAtMs: number;
}

const LOOK_MS = 500;
/** Should its supervisor have started unheard. */
const UNHEARD_MS = 2_000;
const LAUNCHES = 3;

/** `root` is the folder of the attempts' folders. */
export const followProcesses = (
	root: string,
	environment: Environment,
	events: ProcessEvents,
	nowMs: () => number,
): AttemptProcesses => {
	/** Those whose end is awaited. */
	const followed = new Map<AttemptId, Followed>();
	/** Those that ended a moment ago: their supervisor's number is not another's yet. */
	const ended = new Map<AttemptId, ProcessIdentity>();
	const leftovers = createLeftovers();
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

	const supervisors = createSupervisors(root, environment, {
		onTold: (attemptId, supervisor) => told(attemptId, supervisor),
		onStarted: (attemptId, supervisor) => started(attemptId, supervisor),
		onEnded: (attemptId, code) => exited(attemptId, exitOf(code, nowMs())),
		onFailed: (attemptId) => launchFailed(attemptId),
		onVanished: (attemptId) => vanished(attemptId),
	});

	const told = (attemptId: AttemptId, supervisor: ProcessIdentity): boolean => {
		const of = followed.get(attemptId);
		if (!of) return false;
		try {
			writeLaunch(of.paths, supervisor, of.script);
			return true;
		} catch (error) {
			unfollow(attemptId);
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
		launch: (attemptId, paths, script) => {
			follow(attemptId, { paths, supervisor: null, adopted: false, script, launches: 1, askedAtMs: nowMs() });
			supervisors.launch(attemptId);
		},
		adopt: (attemptId, paths, supervisor) => {
			follow(attemptId, { paths, supervisor, adopted: true, script: "", launches: 0, askedAtMs: nowMs() });
		},
		signal: (attemptId, name) => {
			const supervisor = followed.get(attemptId)?.supervisor;
			if (supervisor && isAlive(supervisor)) signalGroup(supervisor.pid, name);
		},
		end: async (attemptId, { folder }) => {
			// null when it ended while no agent ran.
			const supervisor = ended.get(attemptId) ?? null;
			ended.delete(attemptId);
			const found = await leftovers.end(attemptId, supervisor, folder);
			if (!supervisor) return found;
			// One that had to be killed, or none to tell by: then its group ends, and its supervisor with it.
			if (found === "none" || found === "held") supervisors.free(attemptId);
			else signalGroup(supervisor.pid, "SIGKILL");
			return found;
		},
		close: () => {
			supervisors.close();
			if (timer) clearInterval(timer);
		},
	};
};
