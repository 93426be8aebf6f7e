/**
 * RM_JOURNAL: the mesh's only truth. Appends carry the sequence they expect to follow, so a deposed leader's fail;
 * an append whose acknowledgement was lost is recognised by its batch id and not written twice.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type JetStreamClient, type JetStreamManager, NatsError } from "nats";
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
	/** Resolves when the journal has it. Waits out an unreachable NATS; RM_NOT_LEADER when another has written. */
	append(leaderEpoch: number, events: JournalEvent[]): Promise<CommittedBatch>;
}

const WRONG_LAST_SEQUENCE = 10_071;
const RETRY_PAUSE_MS = 200;

export const openJournal = (manager: JetStreamManager, client: JetStreamClient, storage: StorageWatch): Journal => {
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
	};

	const wroteIt = async (sequence: number, batchId: string): Promise<boolean> => {
		const stored = await manager.streams.getMessage(streams.journal, { seq: sequence }).catch(() => null);
		return stored !== null && batchCodec.decode(stored.data).batchId === batchId;
	};

	const append: Journal["append"] = async (leaderEpoch, events) => {
		const batchId = randomUUID();
		const data = batchCodec.encode({ schemaVersion: SCHEMA_VERSION, leaderEpoch, batchId, events });
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
				if (error.isJetStreamError() && !isPassing(error)) throw error;
				storage.failed(error.message);
			}
			await sleep(RETRY_PAUSE_MS);
		}
	};

	return { lastSequence: () => last, replay, append };
};

/** Errors of a server that is starting, short of resources or without its leader just now. */
const isPassing = (error: NatsError): boolean => {
	const code = error.jsError()?.code ?? 0;
	return code === 408 || code === 503 || code === 500;
};
