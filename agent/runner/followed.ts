/** Processes that an earlier agent started: not our children, so their end is found by looking. */

import type { AttemptId } from "#shared/ids.ts";
import type { Exit } from "../core/inputs.ts";
import type { AttemptPaths } from "./paths.ts";
import { isAlive, type ProcessIdentity } from "./process.ts";
import { exitLeftBy } from "./recover.ts";

const POLL_MS = 250;

export interface Followed {
	add(attemptId: AttemptId, paths: AttemptPaths, supervisor: ProcessIdentity): void;
	close(): void;
}

export const followProcesses = (onExit: (attemptId: AttemptId, exit: Exit) => void, nowMs: () => number): Followed => {
	const followed = new Map<AttemptId, { paths: AttemptPaths; supervisor: ProcessIdentity }>();
	let timer: NodeJS.Timeout | null = null;

	const look = (): void => {
		for (const [attemptId, { paths, supervisor }] of followed) {
			if (isAlive(supervisor)) continue;
			followed.delete(attemptId);
			onExit(attemptId, exitLeftBy(paths, nowMs()));
		}
		if (followed.size === 0) stop();
	};
	const stop = (): void => {
		if (timer) clearInterval(timer);
		timer = null;
	};

	return {
		add: (attemptId, paths, supervisor) => {
			followed.set(attemptId, { paths, supervisor });
			timer ??= setInterval(look, POLL_MS);
		},
		close: stop,
	};
};
