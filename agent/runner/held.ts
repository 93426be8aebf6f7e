/** What this process holds of each attempt while it is here: its folder, its log, what is under way or awaited. */

import type { AttemptId } from "#shared/ids.ts";
import type { ProcessIdentity } from "#shared/process.ts";
import type { LogShipper } from "../logs/shipper.ts";
import { type AttemptLog, openAttemptLog } from "./attempt-log.ts";
import { type AttemptPaths, attemptPaths } from "./files/paths.ts";

export interface Held {
	readonly paths: AttemptPaths;
	readonly log: AttemptLog;
	/** 0 when an earlier agent took it. */
	acceptedAtMs: number;
	/** With all that an attempt finds in its folder, and nothing in it. */
	isFresh: boolean;
	/** No process is left of it. */
	isOver: boolean;
	preparing: AbortController | null;
	/** Recovered. */
	supervisor: ProcessIdentity | null;
	wake: NodeJS.Timeout | null;
}

export interface HeldAttempts {
	/** null when it is not held. */
	known(attemptId: AttemptId): Held | null;
	/** Held from now on, if it was not. */
	of(attemptId: AttemptId): Held;
	/** Held no longer; nothing is awaited for it any more. */
	letGo(attemptId: AttemptId): Held;
	close(): void;
}

/** `root` is the folder of their folders. */
export const holdAttempts = (root: string, logs: LogShipper): HeldAttempts => {
	const held = new Map<AttemptId, Held>();

	const of = (attemptId: AttemptId): Held => {
		const known = held.get(attemptId);
		if (known) return known;
		const paths = attemptPaths(root, attemptId);
		const attempt: Held = {
			...{ paths, log: openAttemptLog(logs, attemptId, paths) },
			...{ acceptedAtMs: 0, isFresh: false, isOver: false },
			...{ preparing: null, supervisor: null, wake: null },
		};
		held.set(attemptId, attempt);
		return attempt;
	};

	const rest = ({ wake, log }: Held): void => {
		if (wake) clearTimeout(wake);
		log.rest();
	};

	return {
		known: (attemptId) => held.get(attemptId) ?? null,
		of,
		letGo: (attemptId) => {
			const attempt = of(attemptId);
			rest(attempt);
			held.delete(attemptId);
			return attempt;
		},
		close: () => {
			for (const attempt of held.values()) {
				rest(attempt);
				attempt.preparing?.abort();
			}
		},
	};
};
