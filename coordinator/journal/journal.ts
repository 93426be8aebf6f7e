/**
 * RM_JOURNAL: the mesh's only truth. Appends carry the sequence they expect to follow, so a deposed leader's fail;
 * an append whose acknowledgement was lost is recognised by its batch id and not written twice.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ErrorCode, type JetStreamClient, type JetStreamManager, NatsError } from "nats";
import { RunmeshError } from "#shared/errors.ts";
import { streams, subjects } from "#shared/subjects.ts";
import type { JournalEvent } from "../core/events.ts";
import { batchCodec, SCHEMA_VERSION } from "./codec.ts";
import type { StorageWatch } from "./storage-watch.ts";

export interface CommittedBatch {
	sequence: number;
	events: JournalEvent[];
}

export interface Journal {
	/** Of the last batch read or appended; 0 in an empty journal. */
	lastSequence(): number;
	/** Hands over every batch from `fromSequence` on, in order, as of now. */
	replay(fromSequence: number, onBatch: (batch: CommittedBatch) => void): Promise<void>;
	/**
	 * Resolves when the journal has all of it, in as many messages as its size asks for. Waits out an unreachable NATS;
	 * RM_NOT_LEADER when another has written.
	 */
	append(leaderEpoch: number, events: JournalEvent[]): Promise<CommittedBatch[]>;
}

const WRONG_LAST_SEQUENCE = 10_071;
const RETRY_PAUSE_MS = 200;
/** Message id and expected sequence travel beside the batch. */
const HEADER_BYTES = 1_024;

/** `maxMessageBytes` as the server says it now. */
export const openJournal = (
	manager: JetStreamManager,
	client: JetStreamClient,
	maxMessageBytes: () => number,
	storage: StorageWatch,
): Journal => {
	let last = 0;

	const replay: Journal["replay"] = async (fromSequence, onBatch) => {
		const { state } = await manager.streams.info(streams.journal);
		if (state.first_seq > 1 && fromSequence < state.first_seq && state.messages > 0) {
			throw new RunmeshError("RM_JOURNAL_INVALID", `the journal begins at ${state.first_seq}: its start is gone`);
		}
		last = Math.max(last, fromSequence - 1);
		if (state.last_seq < fromSequence) return;
		const consumer = await client.consumers.get(streams.journal, { opt_start_seq: fromSequence });
		const messages = await consumer.consume({ max_messages: 2_000 });
		for await (const message of messages) {
			onBatch({ sequence: message.seq, events: batchCodec.decode(message.data).events });
			last = message.seq;
			if (message.seq >= state.last_seq) break;
		}
		await messages.close();
		if (last < state.last_seq) {
			throw new RunmeshError("RM_UNAVAILABLE", `the journal could be read to ${last} of ${state.last_seq} only`);
		}
	};

	const wroteIt = async (sequence: number, batchId: string): Promise<boolean> => {
		const stored = await manager.streams.getMessage(streams.journal, { seq: sequence }).catch(() => null);
		return stored !== null && batchCodec.decode(stored.data).batchId === batchId;
	};

	const append: Journal["append"] = async (leaderEpoch, events) => {
		const commits: CommittedBatch[] = [];
		for (const batch of batches(leaderEpoch, events, maxMessageBytes())) commits.push(await appendOne(batch));
		return commits;
	};

	const appendOne = async ({ batchId, data, events }: Encoded): Promise<CommittedBatch> => {
		const options = { msgID: batchId, expect: { lastSequence: last } };
		for (;;) {
			try {
				const ack = await client.publish(subjects.journal, data, options);
				last = ack.seq;
				storage.stored();
				return { sequence: ack.seq, events };
			} catch (error) {
				if (!(error instanceof NatsError)) throw error;
				if (error.jsError()?.err_code === WRONG_LAST_SEQUENCE) {
					if (!(await wroteIt(last + 1, batchId))) {
						throw new RunmeshError("RM_NOT_LEADER", "another coordinator has written to the journal", { cause: error });
					}
					last += 1;
					storage.stored();
					return { sequence: last, events };
				}
				if (error.code === ErrorCode.MaxPayloadExceeded) throw error;
				if (error.isJetStreamError() && !isPassing(error)) throw error;
				storage.failed(error.message);
			}
			await sleep(RETRY_PAUSE_MS);
		}
	};

	return { lastSequence: () => last, replay, append };
};

interface Encoded {
	batchId: string;
	data: Uint8Array;
	events: JournalEvent[];
}

/** Halved until each fits a message. One event that does not was let in by a check that is missing. */
function* batches(leaderEpoch: number, events: JournalEvent[], maxBytes: number): Generator<Encoded> {
	if (events.length === 0) return;
	const batchId = randomUUID();
	const data = batchCodec.encode({ schemaVersion: SCHEMA_VERSION, leaderEpoch, batchId, events });
	if (data.length + HEADER_BYTES <= maxBytes || events.length === 1) {
		yield { batchId, data, events };
		return;
	}
	const half = events.length >> 1;
	yield* batches(leaderEpoch, events.slice(0, half), maxBytes);
	yield* batches(leaderEpoch, events.slice(half), maxBytes);
}

/** What an event takes in the journal. */
export const encodedBytes = (event: JournalEvent): number =>
	batchCodec.encode({ schemaVersion: SCHEMA_VERSION, leaderEpoch: 0, batchId: randomUUID(), events: [event] }).length +
	HEADER_BYTES;

/** Errors of a server that is starting, short of resources or without its leader just now. */
const isPassing = (error: NatsError): boolean => {
	const code = error.jsError()?.code ?? 0;
	return code === 408 || code === 503 || code === 500;
};
