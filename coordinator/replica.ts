/**
 * A coordinator's own copy of what the journal comes to: state, read store, the tail on its disk. It follows the
 * journal from the start of the process; to lead is then a matter of the last few messages.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { RunmeshError } from "#shared/errors.ts";
import { streams } from "#shared/subjects.ts";
import { apply } from "./core/apply.ts";
import { batchCodec } from "./journal/codec.ts";
import type { CommittedBatch, Journal, JournalPorts } from "./journal/journal.ts";
import { type ReadBatch, readJournal } from "./journal/reader.ts";
import { compareTail, isSame, putBack } from "./journal/recovery.ts";
import type { Snapshot } from "./journal/snapshot-file.ts";
import { note } from "./journal/standing.ts";
import type { Tail } from "./journal/tail.ts";
import type { TailRecord } from "./journal/tail-record.ts";
import type { ReadSide } from "./read-side.ts";

export interface Replica {
	/** Resolves when it has all that the journal has now, and follows what comes from there on. */
	start(): Promise<void>;
	/** Rejects when what comes can't be taken. */
	readonly failed: Promise<never>;
	/** Before this coordinator leads: all there is, and what JetStream has lost put back. Ends the following. */
	takeOver(): Promise<void>;
}

export interface ReplicaParts extends Pick<JournalPorts, "manager" | "client" | "tail"> {
	/** Brought up to date here. */
	resumed: Snapshot;
	readSide: ReadSide;
	/** Of the read store. */
	projected: number;
	journal: Journal;
	/** Of the tail, for the messages. */
	folder: string;
	log: Logger;
}

/** Messages older than this are synced at JetStream: a new tail begins with those after. */
const TAIL_BEGINS_MS = 5 * 60_000;

export const createReplica = (parts: ReplicaParts): Replica => {
	const { manager, client, tail, resumed, readSide, projected, journal, folder, log } = parts;
	const { state, standing, sequence } = resumed;
	const stopping = new AbortController();
	const failed = Promise.withResolvers<never>();
	failed.promise.catch(() => undefined);
	const copier = createCopier(tail, log);
	let missing = new Map<number, TailRecord>();
	let isFollowing = false;
	let following: Promise<void> = Promise.resolve();

	const take = (batch: CommittedBatch): void => {
		if (batch.sequence > sequence) {
			for (const event of batch.events) {
				apply(state, event);
				note(standing, batch.sequence, event);
			}
		}
		if (isFollowing) readSide.commit([batch]);
		else readSide.replay(batch);
		journal.movedTo(batch.sequence);
	};
	const onBatch = (batch: ReadBatch): void => {
		const mine = missing.get(batch.sequence);
		missing.delete(batch.sequence);
		if (mine && !isSame(mine, batch, tail, folder)) {
			tail.cut(batch.sequence - 1);
			missing.clear();
		}
		if (batch.sequence > tail.last()) copier.add(batch);
		take(batch);
	};
	let reader = readJournal(manager, client, 1, onBatch);

	return {
		failed: failed.promise,
		start: async () => {
			missing = await compareTail(manager, tail, folder);
			const { state: stored } = await manager.streams.info(streams.journal);
			// What JetStream has lost is put back before this coordinator leads.
			// And what its own copy lacks of what JetStream may lose yet is copied.
			const copied = Math.max(tail.last(), stored.first_seq - 1);
			const from = Math.min(sequence, projected, copied, stored.last_seq) + 1;
			reader = readJournal(manager, client, from, onBatch);
			journal.movedTo(from - 1);
			await reader.catchUp();
			readSide.flush();
			isFollowing = true;
			following = reader.follow(stopping.signal);
			following.catch(failed.reject);
		},
		takeOver: async () => {
			stopping.abort();
			await following;
			isFollowing = false;
			await reader.catchUp();
			await copier.flush();
			const lost = await putBack(journal, missing, ({ sequence, data }) =>
				take({ sequence, events: batchCodec.decode(data).events, bytes: data.length }),
			);
			if (lost > 0) log.warn({ messages: lost }, "NATS had lost the end of the journal; it was put back");
			readSide.flush();
			const seen = Math.max(sequence, projected);
			if (seen > journal.lastSequence()) throw lostEvents(journal.lastSequence(), seen, folder);
		},
	};
};

const lostEvents = (last: number, seen: number, folder: string): RunmeshError =>
	new RunmeshError(
		"RM_JOURNAL_INVALID",
		`${streams.journal} ends at ${last}, this home has seen it at ${seen}: the journal has lost events, or is another mesh's`,
		{
			hint: `restore NATS's data, or move tail, snapshot.gz and read.sqlite* of ${folder} away to go on with what NATS has`,
		},
	);

/** Writes what is read into the tail, all that has come at once. A tail that can't be written now begins anew later. */
const createCopier = (tail: Tail, log: Logger): { add(batch: ReadBatch): void; flush(): Promise<void> } => {
	let waiting: TailRecord[] = [];
	let writing: Promise<void> | null = null;
	const write = async (): Promise<void> => {
		await sleep(0);
		while (waiting.length > 0) {
			const messages = waiting;
			waiting = [];
			// A leader writes the next one only when the one before is acknowledged: of the last that is not known.
			await tail
				.append(messages, (messages.at(-1)?.sequence ?? 1) - 1)
				.catch((error) => log.warn({ err: error }, "the copy of the journal could not be written"));
		}
		writing = null;
	};
	return {
		add: ({ sequence, leaderEpoch, batchId, data, storedAtMs }) => {
			if (Date.now() - storedAtMs > TAIL_BEGINS_MS) return;
			waiting.push({ sequence, epoch: leaderEpoch, atMs: storedAtMs, batchId, data: data.slice() });
			writing ??= write();
		},
		flush: async () => writing ?? undefined,
	};
};
