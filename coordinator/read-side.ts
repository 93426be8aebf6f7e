/**
 * The read store and what feeds it from the journal. One that can't be written now (a full disk) catches up later; one
 * that is behind the beginning of a trimmed journal is made anew from what there is.
 */

import type { Logger } from "pino";
import type { CommittedBatch } from "./journal/journal.ts";
import type { Standing } from "./journal/standing.ts";
import { dropDatabase } from "./store/database.ts";
import { openReadStore, type ReadStore } from "./store/store.ts";

export interface ReadSide {
	/** While replaying: projected in large transactions. */
	replay(batch: CommittedBatch): void;
	/** A new commit: visible to queries on return. */
	commit(batches: readonly CommittedBatch[]): void;
	/** Ends the replay. */
	flush(): void;
}

const REPLAY_BATCHES = 500;

export const openReadSide = (
	path: string,
	firstSequence: number,
	standing: Standing,
	log: Logger,
): { store: ReadStore; readSide: ReadSide } => {
	let store = openReadStore(path);
	if (store.sequence() + 1 < firstSequence) {
		store.close();
		dropDatabase(path);
		store = openReadStore(path);
		// What models and deployments come from may have been trimmed.
		store.project([{ sequence: firstSequence - 1, events: [...standing.events.values()] }]);
	}
	return { store, readSide: feed(store, firstSequence > 1, log) };
};

const feed = (store: ReadStore, isTrimmed: boolean, log: Logger): ReadSide => {
	let pending: CommittedBatch[] = [];
	const withBeginning = isTrimmed ? keepWhole(store) : (batch: CommittedBatch) => batch;

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
			pending.push(withBeginning(batch));
			if (pending.length >= REPLAY_BATCHES) flush();
		},
		commit: (batches) => {
			pending.push(...batches);
			flush();
		},
		flush,
	};
};

/** Leaves out what is told of runs whose beginning was trimmed: they are history that is no longer kept. */
const keepWhole = (store: ReadStore): ((batch: CommittedBatch) => CommittedBatch) => {
	const known = new Map<string, boolean>();
	return (batch) => {
		const events = batch.events.filter((event) => {
			if (event.kind === "runSubmitted") known.set(event.runId, true);
			if (!("runId" in event) || event.kind === "modelVersionRegistered" || event.kind === "deploymentChanged")
				return true;
			let isKnown = known.get(event.runId);
			if (isKnown === undefined) {
				isKnown = store.run(event.runId) !== null;
				known.set(event.runId, isKnown);
			}
			return isKnown;
		});
		return { ...batch, events };
	};
};
