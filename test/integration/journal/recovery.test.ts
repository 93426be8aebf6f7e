import { pino } from "pino";
import { expect, it } from "vitest";
import { newMeshState } from "#coordinator/core/state.ts";
import { refuseLostJournal } from "#coordinator/journal/recovery.ts";
import { newStanding } from "#coordinator/journal/standing.ts";
import { openTail, type Tail } from "#coordinator/journal/tail.ts";
import type { TailRecord } from "#coordinator/journal/tail-record.ts";
import { ensureStreams } from "#coordinator/link/streams.ts";
import { createReplica } from "#coordinator/replica.ts";
import { type JournalRig, startJournalRig } from "#test/support/journal-rig.ts";

const events = (epoch: number) => [{ kind: "leaderElected", atMs: epoch, coordinatorId: "c", epoch } as const];

/** Starts on the tail's folder and comes to lead. */
const takeOver = async (rig: JournalRig, folder: string) => {
	const tail = await openTail(folder);
	const manager = await rig.connection.jetstreamManager();
	await refuseLostJournal(manager, tail, folder);
	await ensureStreams(manager, { replicas: 1 });
	const journal = await rig.open({ tail });
	const state = newMeshState();
	const replica = createReplica({
		...{ manager, client: rig.connection.jetstream(), tail, journal, folder },
		resumed: { sequence: 0, state, standing: newStanding() },
		readSide: { replay: () => undefined, commit: () => undefined, flush: () => undefined },
		projected: 0,
		log: pino({ level: "silent" }),
	});
	await replica.start();
	await replica.takeOver();
	return { journal, state, tail };
};

/** What the disk of the tail has and JetStream does not. */
const addToTail = async (folder: string, messages: Partial<TailRecord>[]): Promise<Tail> => {
	const tail = await openTail(folder);
	for (const message of messages) {
		const [last] = await tail.read(tail.last());
		if (!last) throw new Error("the tail is empty");
		await tail.append([{ ...last, sequence: last.sequence + 1, ...message }], last.sequence);
	}
	await tail.close();
	return tail;
};

it("puts back what JetStream has lost, the same bytes under the same ids", async () => {
	const rig = await startJournalRig();
	const folder = rig.folder();
	const first = await takeOver(rig, folder);
	for (const epoch of [1, 2, 3]) await first.journal.append(epoch, events(epoch));
	const kept = await first.tail.read(1);
	await first.tail.close();
	// As after a power cut: it has the stream, and not its last messages.
	const manager = await rig.connection.jetstreamManager();
	const { created } = await manager.streams.info("RM_JOURNAL");
	expect(created).toBe(first.tail.stream());
	await addToTail(folder, [{ batchId: "lost-1" }, { batchId: "lost-2" }]);

	const { journal, state, tail } = await takeOver(rig, folder);
	expect(journal.lastSequence()).toBe(5);
	expect(state.epoch).toBe(3);
	const read = await rig.readAll();
	expect(read.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
	expect((await tail.read(1)).map(({ batchId }) => batchId).slice(0, 3)).toEqual(kept.map(({ batchId }) => batchId));
	await journal.append(4, events(4));
	expect(await rig.readAll()).toHaveLength(6);
	expect(await tail.read(1)).toHaveLength(6);
});

it("what was never acknowledged gives way to a later leader's", async () => {
	const rig = await startJournalRig();
	const [mine, others] = [rig.folder(), rig.folder()];
	const first = await takeOver(rig, mine);
	await first.journal.append(1, events(1));
	await first.tail.close();
	await addToTail(mine, [{ batchId: "never acknowledged" }]);
	const second = await takeOver(rig, others);
	await second.journal.append(2, events(2));
	const { state, tail } = await takeOver(rig, mine);
	expect(state.epoch).toBe(2);
	const [replaced] = await tail.read(2);
	expect(replaced?.epoch).toBe(2);
});

it("stops where JetStream contradicts what was acknowledged", async () => {
	const rig = await startJournalRig();
	const [mine, others] = [rig.folder(), rig.folder()];
	const first = await takeOver(rig, mine);
	await first.journal.append(1, events(1));
	await first.tail.close();
	await addToTail(mine, [{ batchId: "acknowledged" }, { batchId: "its last" }]);
	const second = await takeOver(rig, others);
	for (const epoch of [2, 3]) await second.journal.append(epoch, events(epoch));
	await expect(takeOver(rig, mine)).rejects.toMatchObject({
		code: "RM_JOURNAL_INVALID",
		message: expect.stringContaining("says something else at 2"),
	});
});

it.each([
	[
		"gone",
		(rig: JournalRig) => rig.connection.jetstreamManager().then((manager) => manager.streams.delete("RM_JOURNAL")),
		/holds no RM_JOURNAL/,
	],
	[
		"emptied",
		(rig: JournalRig) => rig.connection.jetstreamManager().then((manager) => manager.streams.purge("RM_JOURNAL")),
		/has been emptied/,
	],
	[
		"made anew",
		async (rig: JournalRig) => {
			const manager = await rig.connection.jetstreamManager();
			await manager.streams.delete("RM_JOURNAL");
			await ensureStreams(manager, { replicas: 1 });
		},
		/was made anew/,
	],
])("stops when the journal was %s, and says what to do", async (_what, lose, message) => {
	const rig = await startJournalRig();
	const folder = rig.folder();
	const { journal, tail } = await takeOver(rig, folder);
	for (const epoch of [1, 2]) await journal.append(epoch, events(epoch));
	await tail.close();
	await lose(rig);
	await expect(takeOver(rig, folder)).rejects.toMatchObject({
		code: "RM_JOURNAL_INVALID",
		message: expect.stringMatching(message),
		hint: expect.stringContaining(folder),
	});
});
