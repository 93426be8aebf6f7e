/**
 * Whether NATS stores what it is given. One whose disk was full refuses every write until it is started again, even
 * when there is room by then: the process that started this coordinator is told, for it can start NATS again.
 */

import type { Logger } from "pino";

export interface StorageWatch {
	/** A write failed, and is tried again. */
	failed(reason: string): void;
	stored(): void;
	/** Writes fail although NATS can be reached. */
	isStuck(): boolean;
}

/** A disk may be slow for a while. */
const TELL_AFTER_MS = 5_000;

export const watchStorage = (isConnected: () => boolean, tell: (reason: string) => void, log: Logger): StorageWatch => {
	let failingSinceMs: number | null = null;
	return {
		failed: (reason) => {
			log.warn({ reason }, "NATS can't store now; trying again");
			if (!isConnected()) {
				failingSinceMs = null;
				return;
			}
			failingSinceMs ??= performance.now();
			if (performance.now() - failingSinceMs >= TELL_AFTER_MS) tell(reason);
		},
		stored: () => {
			failingSinceMs = null;
		},
		isStuck: () => failingSinceMs !== null,
	};
};
