import { connect, type NatsConnection } from "nats";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { JournalEvent } from "#coordinator/core/events.ts";
import { type CommittedBatch, type Journal, openJournal } from "#coordinator/journal/journal.ts";
import { ensureStreams } from "#coordinator/link/streams.ts";
import { natsAuth } from "#shared/credentials.ts";
import { startNatsServer } from "#test/support/nats-server.ts";

let server: Awaited<ReturnType<typeof startNatsServer>>;
let connection: NatsConnection;

beforeEach(async () => {
	server = await startNatsServer();
	connection = await connect({ servers: server.url, ...natsAuth(server.credentials), maxReconnectAttempts: -1 });
	await ensureStreams(await connection.jetstreamManager(), { replicas: 1 });
});

afterEach(async () => {
	await connection.close();
	await server.stop();
});

const open = async (maxBytes = connection.info?.max_payload ?? 0): Promise<Journal> =>
	openJournal(await connection.jetstreamManager(), connection.jetstream(), () => maxBytes, {
		stored: () => undefined,
		failed: () => undefined,
		isStuck: () => false,
	});

const eventsOf = (count: number, reason = "x"): JournalEvent[] =>
	Array.from({ length: count }, (_, index) => ({
		kind: "runCancelRequested",
		atMs: index,
		runId: `r${index}` as never,
		reason,
	}));

const readAll = async (): Promise<JournalEvent[]> => {
	const read: CommittedBatch[] = [];
	await (await open()).replay(1, (batch) => read.push(batch));
	return read.flatMap(({ events }) => events);
};

it("keeps the order of a turn that takes several messages", async () => {
	const journal = await open(64 * 1024);
	const events = eventsOf(5_000, "a reason of some length, so that this takes more than one message");
	const commits = await journal.append(1, events);
	expect(commits.length).toBeGreaterThan(4);
	expect(commits.map(({ sequence }) => sequence)).toEqual(commits.map((_, index) => index + 1));
	expect(await readAll()).toEqual(events);
});

it("refuses a writer that another has overtaken, and nothing of its turn is stored", async () => {
	const [first, second] = [await open(), await open()];
	await first.append(1, eventsOf(1));
	await expect(second.append(1, eventsOf(2))).rejects.toMatchObject({ code: "RM_NOT_LEADER" });
	expect(await readAll()).toHaveLength(1);
});

it("goes on after the server was killed in the middle", async () => {
	const journal = await open();
	await journal.append(1, eventsOf(3));
	await server.kill("SIGKILL");
	const waiting = journal.append(1, eventsOf(4));
	await server.restart();
	expect((await waiting).at(-1)?.sequence).toBe(2);
	expect(await readAll()).toHaveLength(7);
});
