/** An attempt's log on its way to the coordinator. Most steps are over before anybody needs to follow it. */

import type { AttemptId } from "#shared/ids.ts";
import type { LogShipper, TrackedLog } from "../logs/shipper.ts";
import type { AttemptPaths } from "./files/paths.ts";

export interface AttemptLog {
	/** It runs: followed in a moment, if it still does. */
	followSoon(): void;
	follow(): void;
	isFollowed(): boolean;
	/** Nothing more is written. */
	finish(): void;
	/** Resolves when all of a finished one has arrived. */
	shipped(): Promise<unknown>;
	/** Nobody wants it. */
	drop(): void;
	/** It is not begun to be followed any more. */
	rest(): void;
}

/** Before that nobody follows a log: of most steps that end so soon there is none. */
const UNWATCHED_MS = 25;

export const openAttemptLog = (
	logs: LogShipper,
	attemptId: AttemptId,
	{ stdout, stderr, metrics }: AttemptPaths,
): AttemptLog => {
	const files = { stdout, stderr, metrics };
	let timer: NodeJS.Timeout | null = null;
	let tracked: TrackedLog | null = null;
	let shipped: Promise<unknown> | null = null;

	const follow = (): void => {
		tracked ??= logs.track(attemptId, files);
	};
	const rest = (): void => {
		if (timer) clearTimeout(timer);
	};

	return {
		follow,
		followSoon: () => {
			timer = setTimeout(follow, UNWATCHED_MS);
		},
		isFollowed: () => tracked !== null,
		finish: () => {
			rest();
			shipped ??= tracked?.finish() ?? logs.ship(attemptId, files);
			// Who waits for it sees the failure; until then it is no unhandled one.
			shipped.catch(() => undefined);
		},
		shipped: async () => shipped,
		drop: () => tracked?.drop(),
		rest,
	};
};
