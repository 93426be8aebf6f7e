/** Feeds the read store from the journal. A store that can't be written now (a full disk) catches up later. */

import type { Logger } from "pino";
import type { CommittedBatch } from "./journal/journal.ts";
import type { ReadStore } from "./store/store.ts";

export interface ReadSide {
	/** While replaying: projected in large transactions. */
	replay(batch: CommittedBatch): void;
	/** A new commit: visible to queries on return. */
	commit(batches: readonly CommittedBatch[]): void;
	/** Ends the replay. */
	flush(): void;
}

const REPLAY_BATCHES = 500;

export const createReadSide = (store: ReadStore, log: Logger): ReadSide => {
	let pending: CommittedBatch[] = [];

	const flush = (): void => {
		if (pending.length === 0) return;
		try {
			store.project(pending);
			pending = [];
		} catch (error) {
			log.error({ err: error, batches: pending.length }, "the read store can't be written; queries lag behind");
		}
	};

	return {
		replay: (batch) => {
			if (batch.sequence <= store.sequence()) return;
			pending.push(batch);
			if (pending.length >= REPLAY_BATCHES) flush();
		},
		commit: (batches) => {
			pending.push(...batches);
			flush();
		},
		flush,
	};
};
