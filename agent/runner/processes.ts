/**
 * The attempts' processes: started through the launcher, adopted from an earlier agent, signalled, ended. Supervisors
 * tell when they start and end; a regular look at each finds what was not told, such as one that was killed.
 */

import type { AttemptId } from "#shared/ids.ts";
import { isAlive, type ProcessIdentity } from "#shared/process.ts";
import type { Exit } from "../core/inputs.ts";
import { exitOf } from "./collect.ts";
import type { Environment } from "./environment.ts";
import { createLauncher } from "./launcher.ts";
import { killLeftovers } from "./leftovers.ts";
import type { AttemptPaths } from "./paths.ts";
import { signalGroup } from "./process.ts";
import { readClaim } from "./record.ts";
import { exitLeftBy } from "./recover.ts";

export interface ProcessEvents {
	onStarted(attemptId: AttemptId): void;
	onNotStarted(attemptId: AttemptId): void;
	onExited(attemptId: AttemptId, exit: Exit): void;
}

export interface AttemptProcesses {
	launch(attemptId: AttemptId, paths: AttemptPaths): void;
	adopt(attemptId: AttemptId, paths: AttemptPaths, supervisor: ProcessIdentity): void;
	signal(attemptId: AttemptId, name: NodeJS.Signals): void;
	/** Whatever is left of it; false when some would not go. */
	end(attemptId: AttemptId): Promise<boolean>;
	/** Processes run on. */
	close(): void;
}

interface Followed {
	paths: AttemptPaths;
	/** null until it has started. */
	supervisor: ProcessIdentity | null;
	launches: number;
	askedAtMs: number;
}

const LOOK_MS = 500;
/** Should its supervisor have started unheard. */
const UNHEARD_MS = 2_000;
const LAUNCHES = 3;

export const followProcesses = (
	environment: Environment,
	events: ProcessEvents,
	nowMs: () => number,
): AttemptProcesses => {
	/** Those whose end is awaited. */
	const followed = new Map<AttemptId, Followed>();
	/** Groups that ended a moment ago: their number is not another's yet. */
	const ended = new Map<AttemptId, ProcessIdentity>();
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

	const launcher = createLauncher(environment, {
		onStarted: (attemptId, supervisor) => started(attemptId, supervisor),
		onEnded: (attemptId, code) => exited(attemptId, exitOf(code, nowMs())),
		onFailed: (attemptId) => launchFailed(attemptId),
	});

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

	/** A claim tells of one that did start, perhaps by an agent that died just then. */
	const heedClaim = (attemptId: AttemptId, { paths }: Followed): boolean => {
		const supervisor = readClaim(paths)?.supervisor;
		if (supervisor) started(attemptId, supervisor);
		return Boolean(supervisor);
	};

	const launchFailed = (attemptId: AttemptId): void => {
		const of = followed.get(attemptId);
		if (!of || of.supervisor || heedClaim(attemptId, of)) return;
		if (of.launches < LAUNCHES) {
			of.launches++;
			launcher.launch(attemptId, of.paths.folder);
			return;
		}
		unfollow(attemptId);
		events.onNotStarted(attemptId);
	};

	const look = (): void => {
		for (const [attemptId, of] of followed) {
			if (of.supervisor) {
				if (!isAlive(of.supervisor)) exited(attemptId, exitLeftBy(of.paths, nowMs()));
			} else if (nowMs() - of.askedAtMs > UNHEARD_MS) heedClaim(attemptId, of);
		}
	};

	return {
		launch: (attemptId, paths) => {
			follow(attemptId, { paths, supervisor: null, launches: 1, askedAtMs: nowMs() });
			launcher.launch(attemptId, paths.folder);
		},
		adopt: (attemptId, paths, supervisor) => {
			follow(attemptId, { paths, supervisor, launches: 0, askedAtMs: nowMs() });
		},
		signal: (attemptId, name) => {
			const supervisor = followed.get(attemptId)?.supervisor;
			if (supervisor && isAlive(supervisor)) signalGroup(supervisor.pid, name);
		},
		end: async (attemptId) => {
			const supervisor = ended.get(attemptId);
			ended.delete(attemptId);
			if (supervisor) signalGroup(supervisor.pid, "SIGKILL");
			return killLeftovers(attemptId);
		},
		close: () => {
			launcher.close();
			if (timer) clearInterval(timer);
		},
	};
};
