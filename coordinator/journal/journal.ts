/**
 * RM_JOURNAL: the mesh's only truth. Appends carry the sequence they expect to follow, so a deposed leader's fail;
 * an append whose acknowledgement was lost is recognised by its batch id and not written twice. Whatever is appended
 * goes to the tail on this coordinator's own disk at the same time, and counts when both have it.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ErrorCode, type JetStreamClient, type JetStreamManager, NatsError } from "nats";
import { RunmeshError } from "#shared/errors.ts";
import { streams, subjects } from "#shared/subjects.ts";
import type { JournalEvent } from "../core/events.ts";
import { batchCodec, SCHEMA_VERSION } from "./codec.ts";
import type { StorageWatch } from "./storage-watch.ts";
import type { Tail } from "./tail.ts";
import type { TailRecord } from "./tail-record.ts";

export interface CommittedBatch {
	sequence: number;
	events: JournalEvent[];
	/** What it takes in the journal. */
	bytes: number;
}

export interface Journal {
	/** Of the last batch read or appended; 0 in an empty journal. */
	lastSequence(): number;
	/** Others have taken it to here. */
	movedTo(sequence: number): void;
	/**
	 * Resolves when the journal has all of it, in as many messages as its size asks for. Waits out an unreachable NATS;
	 * RM_NOT_LEADER when another has written.
	 */
	append(leaderEpoch: number, events: JournalEvent[]): Promise<CommittedBatch[]>;
	/** What the tail has and JetStream has lost: the same bytes under the same id. */
	restore(message: TailRecord): Promise<void>;
}

export interface JournalPorts {
	manager: JetStreamManager;
	client: JetStreamClient;
	tail: Tail;
	/** As the server says it now. */
	maxMessageBytes(): number;
	storage: StorageWatch;
	/** Of the disk that holds the tail. */
	tailStorage: StorageWatch;
}

const WRONG_LAST_SEQUENCE = 10_071;
const RETRY_PAUSE_MS = 200;
/** Message id and expected sequence travel beside the batch. */
const HEADER_BYTES = 1_024;

export const openJournal = ({
	manager,
	client,
	tail,
	maxMessageBytes,
	storage,
	tailStorage,
}: JournalPorts): Journal => {
	let last = 0;

	const wroteIt = async (sequence: number, batchId: string): Promise<boolean> => {
		const stored = await manager.streams.getMessage(streams.journal, { seq: sequence }).catch(() => null);
		return stored !== null && batchCodec.decode(stored.data).batchId === batchId;
	};

	const publish = async (sequence: number, batchId: string, data: Uint8Array): Promise<void> => {
		const options = { msgID: batchId, expect: { lastSequence: sequence - 1 } };
		for (;;) {
			try {
				await client.publish(subjects.journal, data, options);
				return storage.stored();
			} catch (error) {
				if (!(error instanceof NatsError)) throw error;
				if (error.jsError()?.err_code === WRONG_LAST_SEQUENCE) {
					if (await wroteIt(sequence, batchId)) return storage.stored();
					throw new RunmeshError("RM_NOT_LEADER", "another coordinator has written to the journal", { cause: error });
				}
				if (error.code === ErrorCode.MaxPayloadExceeded) throw error;
				if (error.isJetStreamError() && !isPassing(error)) throw error;
				storage.failed(error.message);
			}
			await sleep(RETRY_PAUSE_MS);
		}
	};

	const keep = async (message: TailRecord): Promise<void> => {
		for (;;) {
			try {
				await tail.append([message], last);
				return tailStorage.stored();
			} catch (error) {
				tailStorage.failed((error as Error).message);
			}
			await sleep(RETRY_PAUSE_MS);
		}
	};

	const appendOne = async ({ epoch, batchId, data, events }: Encoded): Promise<CommittedBatch> => {
		const sequence = last + 1;
		const kept = keep({ sequence, epoch, atMs: Date.now(), batchId, data });
		await Promise.all([kept, publish(sequence, batchId, data)]);
		last = sequence;
		tail.acknowledge(sequence);
		return { sequence, events, bytes: data.length };
	};

	return {
		lastSequence: () => last,
		movedTo: (sequence) => {
			last = sequence;
		},
		append: async (leaderEpoch, events) => {
			const commits: CommittedBatch[] = [];
			for (const batch of batches(leaderEpoch, events, maxMessageBytes())) commits.push(await appendOne(batch));
			return commits;
		},
		restore: async ({ sequence, batchId, data }) => {
			await publish(sequence, batchId, data);
			last = sequence;
			tail.acknowledge(sequence);
		},
	};
};

interface Encoded {
	epoch: number;
	batchId: string;
	data: Uint8Array;
	events: JournalEvent[];
}

/** Halved until each fits a message. One event that does not was let in by a check that is missing. */
function* batches(epoch: number, events: JournalEvent[], maxBytes: number): Generator<Encoded> {
	if (events.length === 0) return;
	const batchId = randomUUID();
	const data = batchCodec.encode({ schemaVersion: SCHEMA_VERSION, leaderEpoch: epoch, batchId, events });
	if (data.length + HEADER_BYTES <= maxBytes || events.length === 1) {
		yield { epoch, batchId, data, events };
		return;
	}
	const half = events.length >> 1;
	yield* batches(epoch, events.slice(0, half), maxBytes);
	yield* batches(epoch, events.slice(half), maxBytes);
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
