/** RM_JOURNAL on a real nats-server, with tails in folders of their own, for tests of what keeps it. */

import { connect, type NatsConnection } from "nats";
import { onTestFinished } from "vitest";
import type { JournalEvent } from "#coordinator/core/events.ts";
import { type CommittedBatch, type Journal, openJournal } from "#coordinator/journal/journal.ts";
import { readJournal } from "#coordinator/journal/reader.ts";
import type { StorageWatch } from "#coordinator/journal/storage-watch.ts";
import { openTail, type Tail } from "#coordinator/journal/tail.ts";
import { ensureStreams } from "#coordinator/link/streams.ts";
import { natsAuth } from "#shared/credentials.ts";
import { startNatsServer, type TestNatsServer } from "./nats-server.ts";
import { newFolder, removeFolder } from "./test-folder.ts";

export interface JournalRig {
	server: TestNatsServer;
	connection: NatsConnection;
	/** For a tail or a home. */
	folder(): string;
	open(more?: { tail?: Tail; maxBytes?: number }): Promise<Journal & { tail: Tail }>;
	readAll(): Promise<CommittedBatch[]>;
}

const unwatched: StorageWatch = { stored: () => undefined, failed: () => undefined, isStuck: () => false };

export const startJournalRig = async (): Promise<JournalRig> => {
	const server = await startNatsServer();
	onTestFinished(() => server.stop());
	const connection = await connect({ servers: server.url, ...natsAuth(server.credentials), maxReconnectAttempts: -1 });
	onTestFinished(() => connection.close());
	const manager = await connection.jetstreamManager();
	const client = connection.jetstream();
	await ensureStreams(manager, { replicas: 1 });
	const folder = (): string => {
		const made = newFolder();
		onTestFinished(() => removeFolder(made));
		return made;
	};
	return {
		server,
		connection,
		folder,
		open: async ({ tail, maxBytes = connection.info?.max_payload ?? 0 } = {}) => {
			const kept = tail ?? (await openTail(folder()));
			onTestFinished(() => kept.close());
			const maxMessageBytes = (): number => maxBytes;
			const watches = { storage: unwatched, tailStorage: unwatched };
			return { ...openJournal({ manager, client, tail: kept, maxMessageBytes, ...watches }), tail: kept };
		},
		readAll: async () => {
			const read: CommittedBatch[] = [];
			await readJournal(manager, client, 1, (batch) => read.push(batch)).catchUp();
			return read;
		},
	};
};

export const eventsOf = (count: number, reason = "x"): JournalEvent[] =>
	Array.from({ length: count }, (_, index) => ({
		kind: "runCancelRequested",
		atMs: index,
		runId: `r${index}` as never,
		reason,
	}));
