import { pino } from "pino";
import { expect, it, onTestFinished, vi } from "vitest";
import { newMeshState } from "#coordinator/core/state.ts";
import type { CommittedBatch } from "#coordinator/journal/journal.ts";
import { newStanding } from "#coordinator/journal/standing.ts";
import { openTail } from "#coordinator/journal/tail.ts";
import { createReplica } from "#coordinator/replica.ts";
import type { RunId } from "#shared/ids.ts";
import { type JournalRig, startJournalRig } from "#test/support/journal-rig.ts";

const elected = (epoch: number) => [{ kind: "leaderElected", atMs: epoch, coordinatorId: "c", epoch } as const];

const standBy = async (rig: JournalRig, projected = 0) => {
	const folder = rig.folder();
	const tail = await openTail(folder);
	const journal = await rig.open({ tail });
	const resumed = { sequence: 0, state: newMeshState(), standing: newStanding() };
	const read: CommittedBatch[] = [];
	const replica = createReplica({
		manager: await rig.connection.jetstreamManager(),
		...{ client: rig.connection.jetstream(), tail, journal, resumed, projected, folder },
		readSide: {
			replay: (batch) => read.push(batch),
			commit: (batches) => read.push(...batches),
			flush: () => undefined,
		},
		log: pino({ level: "silent" }),
	});
	onTestFinished(() => void replica.takeOver().catch(() => undefined));
	await replica.start();
	return { replica, journal, tail, state: resumed.state, read };
};

it("follows what the leader appends, in state, read store and tail, and leads from there", async () => {
	const rig = await startJournalRig();
	const leader = await rig.open();
	await leader.append(1, elected(1));
	const { replica, journal, tail, state, read } = await standBy(rig);
	expect(state.epoch).toBe(1);
	for (let epoch = 2; epoch <= 50; epoch++) await leader.append(epoch, elected(epoch));
	await vi.waitFor(() => expect([state.epoch, tail.last()]).toEqual([50, 50]), { timeout: 10_000 });
	expect(read.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
	expect(tail.acknowledged()).toBe(49);
	const [ours, theirs] = [await tail.read(1), await leader.tail.read(1)];
	expect(ours.map(({ batchId }) => batchId)).toEqual(theirs.map(({ batchId }) => batchId));

	await replica.takeOver();
	await journal.append(51, elected(51));
	await expect(leader.append(50, elected(50))).rejects.toMatchObject({ code: "RM_NOT_LEADER" });
	expect(await rig.readAll()).toHaveLength(51);
});

it("follows on when the server was killed meanwhile", async () => {
	const rig = await startJournalRig();
	const leader = await rig.open();
	await leader.append(1, elected(1));
	const { state } = await standBy(rig);
	await rig.server.kill("SIGKILL");
	await rig.server.restart();
	await leader.append(2, elected(2));
	await vi.waitFor(() => expect(state.epoch).toBe(2), { timeout: 20_000 });
});

it("a home that has seen more than there is does not lead", async () => {
	const rig = await startJournalRig();
	await (await rig.open()).append(1, elected(1));
	const { replica } = await standBy(rig, 7);
	await expect(replica.takeOver()).rejects.toMatchObject({
		code: "RM_JOURNAL_INVALID",
		message: expect.stringContaining("ends at 1, this home has seen it at 7"),
	});
});

it("says what it can't take, and does not try for ever", async () => {
	const rig = await startJournalRig();
	const leader = await rig.open();
	await leader.append(1, elected(1));
	const { replica } = await standBy(rig);
	// A run that nobody has submitted: the core throws.
	await leader.append(1, [{ kind: "runFinished", atMs: 2, runId: "r1" as RunId, state: "succeeded", reason: "" }]);
	await expect(replica.failed).rejects.toMatchObject({
		code: "RM_JOURNAL_INVALID",
		message: expect.stringContaining("message 2"),
	});
});

it("does not go on where the journal has lost what was read", async () => {
	const rig = await startJournalRig();
	const leader = await rig.open();
	for (const epoch of [1, 2]) await leader.append(epoch, elected(epoch));
	const losePower = await rig.unsynced();
	const { replica, state } = await standBy(rig);
	await leader.append(3, elected(3));
	await vi.waitFor(() => expect(state.epoch).toBe(3), { timeout: 10_000 });
	await losePower();
	const other = await rig.open();
	other.movedTo(2);
	for (const epoch of [4, 5, 6]) await other.append(epoch, elected(epoch));
	const lost = { code: "RM_JOURNAL_INVALID", message: expect.stringContaining("lost the message 3") };
	await expect(replica.failed).rejects.toMatchObject(lost);
	await expect(replica.takeOver()).rejects.toMatchObject(lost);
	expect(state.epoch).toBe(3);
});
