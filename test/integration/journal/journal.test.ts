import { expect, it } from "vitest";
import { eventsOf, startJournalRig } from "#test/support/journal-rig.ts";

it("keeps the order of a turn that takes several messages", async () => {
	const { open, readAll } = await startJournalRig();
	const journal = await open({ maxBytes: 64 * 1024 });
	const events = eventsOf(5_000, "a reason of some length, so that this takes more than one message");
	const commits = await journal.append(1, events);
	expect(commits.length).toBeGreaterThan(4);
	expect(commits.map(({ sequence }) => sequence)).toEqual(commits.map((_, index) => index + 1));
	expect((await readAll()).flatMap((batch) => batch.events)).toEqual(events);
});

it("refuses a writer that another has overtaken, and nothing of its turn is stored", async () => {
	const { open, readAll } = await startJournalRig();
	const [first, second] = [await open(), await open()];
	await first.append(1, eventsOf(1));
	await expect(second.append(1, eventsOf(2))).rejects.toMatchObject({ code: "RM_NOT_LEADER" });
	expect(await readAll()).toHaveLength(1);
});

it("goes on after the server was killed in the middle", async () => {
	const { server, open, readAll } = await startJournalRig();
	const journal = await open();
	await journal.append(1, eventsOf(3));
	await server.kill("SIGKILL");
	const waiting = journal.append(1, eventsOf(4));
	await server.restart();
	expect((await waiting).at(-1)?.sequence).toBe(2);
	expect((await readAll()).flatMap(({ events }) => events)).toHaveLength(7);
});

it("has every message in the tail by the time an append is over, byte by byte", async () => {
	const { open, connection } = await startJournalRig();
	const journal = await open();
	for (let count = 1; count <= 5; count++) await journal.append(7, eventsOf(count));
	const kept = await journal.tail.read(1);
	expect(kept.map(({ sequence, epoch }) => ({ sequence, epoch }))).toEqual(
		[1, 2, 3, 4, 5].map((sequence) => ({ sequence, epoch: 7 })),
	);
	const manager = await connection.jetstreamManager();
	for (const { sequence, data } of kept) {
		const stored = await manager.streams.getMessage("RM_JOURNAL", { seq: sequence });
		expect(Buffer.from(stored.data).equals(data)).toBe(true);
	}
});
