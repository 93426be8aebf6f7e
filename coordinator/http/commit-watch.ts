/** Waits for the next commit: whoever reads the store, then waits, then reads again, misses none. */

import type { Committed } from "./deps.ts";

export interface CommitWatch {
	/** True at the first commit since the last call, or since the start; false once the signal has aborted. */
	next(): Promise<boolean>;
	stop(): void;
}

export const createCommitWatch = (committed: Committed, signal: AbortSignal): CommitWatch => {
	let pending = false;
	let wake = (): void => undefined;
	const onCommit = (): void => {
		pending = true;
		wake();
	};
	const onAbort = (): void => wake();
	committed.on("committed", onCommit);
	signal.addEventListener("abort", onAbort);
	return {
		next: async () => {
			if (!pending && !signal.aborted) {
				await new Promise<void>((resolve) => {
					wake = resolve;
				});
			}
			pending = false;
			return !signal.aborted;
		},
		stop: () => {
			committed.off("committed", onCommit);
			signal.removeEventListener("abort", onAbort);
		},
	};
};
