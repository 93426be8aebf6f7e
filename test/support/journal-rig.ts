/** RM_JOURNAL on a real nats-server, with tails in folders of their own, for tests of what keeps it. */

import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { connect, type NatsConnection } from "nats";
import { onTestFinished, vi } from "vitest";
import type { JournalEvent } from "#coordinator/core/events.ts";
import { type CommittedBatch, type Journal, openJournal } from "#coordinator/journal/journal.ts";
import { readJournal } from "#coordinator/journal/reader.ts";
import type { StorageWatch } from "#coordinator/journal/storage-watch.ts";
import { openTail, type Tail } from "#coordinator/journal/tail.ts";
import { ensureStreams } from "#coordinator/link/streams.ts";
import { natsAuth } from "#shared/credentials.ts";
import { streams } from "#shared/subjects.ts";
import { startNatsServer, type TestNatsServer } from "./nats-server.ts";
import { newFolder, removeFolder } from "./test-folder.ts";

export interface JournalRig {
	server: TestNatsServer;
	connection: NatsConnection;
	/** For a tail or a home. */
	folder(): string;
	open(more?: { tail?: Tail; maxBytes?: number }): Promise<Journal & { tail: Tail }>;
	readAll(): Promise<CommittedBatch[]>;
	/** As a power cut may, of a server that had not synced: what was appended since this was called is gone. */
	unsynced(): Promise<() => Promise<void>>;
}

const unwatched: StorageWatch = { stored: () => undefined, failed: () => undefined, isStuck: () => false };

export const startJournalRig = async (): Promise<JournalRig> => {
	const storeDir = newFolder();
	const server = await startNatsServer({ storeDir });
	onTestFinished(async () => {
		await server.stop();
		await removeFolder(storeDir);
	});
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
	const restart = async (): Promise<void> => {
		await server.restart();
		await vi.waitFor(() => manager.streams.info(streams.journal), { timeout: 20_000 });
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
		unsynced: async () => {
			const stream = join(storeDir, "store", "jetstream", "$G", "streams", streams.journal);
			const synced = join(storeDir, "synced");
			await restart();
			cpSync(stream, synced, { recursive: true });
			return async () => {
				await server.kill("SIGKILL");
				rmSync(stream, { recursive: true });
				cpSync(synced, stream, { recursive: true });
				await restart();
			};
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
