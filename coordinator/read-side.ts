/**
 * The read store and what feeds it from the journal: the commits of some milliseconds in one transaction, sooner when
 * somebody reads. One that can't be written now (a full disk) catches up later; one that is behind the beginning of a
 * trimmed journal is made anew from what there is.
 */

import type { Logger } from "pino";
import type { CommittedBatch } from "./journal/journal.ts";
import type { Standing } from "./journal/standing.ts";
import { dropDatabase } from "./store/database.ts";
import { openReadStore, type ReadStore } from "./store/store.ts";

export interface ReadSide {
	/** While replaying: projected in large transactions. */
	replay(batch: CommittedBatch): void;
	/** A new commit: visible to queries from now on, written soon. */
	commit(batches: readonly CommittedBatch[]): void;
	/** Ends the replay. */
	flush(): void;
}

const REPLAY_BATCHES = 500;
/** Who watches the store hears of a commit so late; steps that go through several states meanwhile share its pages. */
const GATHER_MS = 20;

/** `onProjected` hears of each commit, or of several at once, when the store has them. */
export const openReadSide = (
	path: string,
	firstSequence: number,
	standing: Standing,
	log: Logger,
	onProjected: () => void = () => undefined,
): { store: ReadStore; readSide: ReadSide } => {
	let store = openReadStore(path);
	if (store.sequence() + 1 < firstSequence) {
		store.close();
		dropDatabase(path);
		store = openReadStore(path);
		// What models and deployments come from may have been trimmed.
		store.project([{ sequence: firstSequence - 1, events: [...standing.events.values()] }]);
	}
	const { readSide, flushNew } = feed(store, firstSequence > 1, log, onProjected);
	return { store: behind(store, flushNew), readSide };
};

/** The same functions, each after `first`. */
const behind = <Part extends object>(part: Part, first: () => void): Part => {
	const wrap = (value: unknown): unknown => {
		if (typeof value === "object" && value !== null) return behind(value, first);
		if (typeof value !== "function") return value;
		return (...parameters: unknown[]) => {
			first();
			return value(...parameters);
		};
	};
	return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, wrap(value)])) as Part;
};

const feed = (
	store: ReadStore,
	isTrimmed: boolean,
	log: Logger,
	onProjected: () => void,
): { readSide: ReadSide; flushNew(): void } => {
	let pending: CommittedBatch[] = [];
	/** Runs while there is something that was not tried yet. */
	let gathering: NodeJS.Timeout | undefined;
	const withBeginning = isTrimmed ? keepWhole(store) : (batch: CommittedBatch) => batch;

	const flush = (): void => {
		clearTimeout(gathering);
		gathering = undefined;
		if (pending.length === 0) return;
		try {
			store.project(pending);
			pending = [];
		} catch (error) {
			log.error({ err: error, batches: pending.length }, "the read store can't be written; queries lag behind");
			return;
		}
		onProjected();
	};

	const readSide: ReadSide = {
		replay: (batch) => {
			if (batch.sequence <= store.sequence()) return;
			pending.push(withBeginning(batch));
			if (pending.length >= REPLAY_BATCHES) flush();
		},
		commit: (batches) => {
			pending.push(...batches);
			gathering ??= setTimeout(flush, GATHER_MS);
		},
		flush,
	};
	const flushNew = (): void => {
		if (gathering) flush();
	};
	return { readSide, flushNew };
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
