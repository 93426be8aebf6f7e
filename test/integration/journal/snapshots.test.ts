import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { pino } from "pino";
import { expect, it } from "vitest";
import { apply } from "#coordinator/core/apply.ts";
import type { JournalEvent } from "#coordinator/core/events.ts";
import { dumpState } from "#coordinator/core/snapshot.ts";
import { newMeshState } from "#coordinator/core/state.ts";
import { batchCodec } from "#coordinator/journal/codec.ts";
import { resume } from "#coordinator/journal/resume.ts";
import type { TakenSnapshot } from "#coordinator/journal/snapshot-file.ts";
import { openSnapshots } from "#coordinator/journal/snapshots.ts";
import { createSnapshotter } from "#coordinator/journal/snapshotter.ts";
import { newStanding, note } from "#coordinator/journal/standing.ts";
import { trimJournal } from "#coordinator/journal/trim.ts";
import { openReadSide } from "#coordinator/read-side.ts";
import { createReplica } from "#coordinator/replica.ts";
import { type JournalRig, startJournalRig } from "#test/support/journal-rig.ts";
import { readKeptJournal } from "#test/support/kept-journal.ts";
import { differences } from "#test/support/same-state.ts";

const log = pino({ level: "silent" });
const kept = readKeptJournal(join(import.meta.dirname, "../../journals/0.1-mesh.gz"));
const batches = kept.messages.map((data) => batchCodec.decode(data).events);

/** The state after so many of the kept journal's messages. */
const stateAt = (sequence: number) => {
	const state = newMeshState();
	const standing = newStanding();
	for (const [index, events] of batches.slice(0, sequence).entries()) {
		for (const event of events) {
			apply(state, event);
			note(standing, index + 1, event);
		}
	}
	return { sequence, state, standing };
};

const taken = (sequence: number): TakenSnapshot => {
	const { state, standing } = stateAt(sequence);
	return { sequence, standing, dump: dumpState(state) };
};

const open = async (rig: JournalRig, folder: string) =>
	openSnapshots(rig.connection.jetstream(), join(folder, "snapshot.gz"), log);

it("gives back the newest, with what outlives the journal's beginning; two are kept", async () => {
	const rig = await startJournalRig();
	const snapshots = await open(rig, rig.folder());
	expect(await snapshots.load()).toBeNull();
	for (const sequence of [10, 30, 50]) await snapshots.save(taken(sequence));
	expect(await snapshots.kept()).toEqual([50, 30]);
	for (const folder of [rig.folder(), null]) {
		const loaded = await (folder ? await open(rig, folder) : snapshots).load();
		expect(loaded?.sequence).toBe(50);
		expect(differences(stateAt(50).state, loaded?.state ?? newMeshState())).toEqual([]);
		expect(loaded?.standing).toEqual(stateAt(50).standing);
	}
});

it("passes over one that is damaged, on the disk and at NATS", async () => {
	const rig = await startJournalRig();
	const folder = rig.folder();
	const path = join(folder, "snapshot.gz");
	const snapshots = await open(rig, folder);
	for (const sequence of [20, 40]) await snapshots.save(taken(sequence));
	writeFileSync(path, readFileSync(path).subarray(0, 500));
	expect((await snapshots.load())?.sequence).toBe(40);
	const store = await rig.connection.jetstream().views.os("RM_SNAPSHOT");
	await store.putBlob({ name: "journal-40" }, Buffer.from("no snapshot"));
	expect((await snapshots.load())?.sequence).toBe(20);
	await store.putBlob({ name: "journal-20" }, Buffer.from("nor this"));
	expect(await snapshots.load()).toBeNull();
});

it("refuses one that a newer release wrote", async () => {
	const rig = await startJournalRig();
	const folder = rig.folder();
	const path = join(folder, "snapshot.gz");
	const snapshots = await open(rig, folder);
	await snapshots.save(taken(20));
	const text = gunzipSync(readFileSync(path)).toString("utf8");
	writeFileSync(path, gzipSync(text.replace(/"schemaVersion":\d+/, '"schemaVersion":7')));
	await expect(snapshots.load()).rejects.toMatchObject({
		code: "RM_JOURNAL_INVALID",
		message: expect.stringContaining("is of schema 7, this release reads up to"),
	});
});

/** A leader with a read store, that appends the kept journal message by message. */
const startLeader = async (rig: JournalRig, folder: string) => {
	const manager = await rig.connection.jetstreamManager();
	const client = rig.connection.jetstream();
	const snapshots = await open(rig, folder);
	const resumed = await resume(manager, snapshots);
	const journal = await rig.open();
	const { store, readSide } = openReadSide(join(folder, "read.sqlite"), resumed.firstSequence, resumed.standing, log);
	const replica = createReplica({
		...{ manager, client, tail: journal.tail, journal, folder, resumed, readSide, log },
		projected: store.sequence(),
	});
	await replica.start();
	await replica.takeOver();
	const limits = { historyDays: 90, historyBytes: 0 };
	const snapshotter = createSnapshotter({
		...{ ...resumed, snapshots, takenAt: resumed.sequence, log },
		pace: { messages: 10, pauseMs: 0 },
		trim: async (bounds) => {
			await trimJournal(manager, client, limits, { ...bounds, projected: store.sequence() }, Date.now());
		},
	});
	return {
		...{ resumed, store, manager },
		append: async (events: JournalEvent[]) => {
			const committed = await journal.append(1, events);
			for (const event of events) apply(resumed.state, event);
			readSide.commit(committed);
			snapshotter.committed(committed);
			await snapshotter.idle();
		},
	};
};

it("a trimmed journal starts from its snapshot, and a read store that is missing is made of what is left", async () => {
	const rig = await startJournalRig();
	const folder = rig.folder();
	const leader = await startLeader(rig, folder);
	for (const events of batches) await leader.append(events);
	const { state: stored } = await leader.manager.streams.info("RM_JOURNAL");
	expect(stored.last_seq).toBe(batches.length);
	const first = stored.first_seq;
	expect(first).toBeGreaterThan(10);
	const whole = kept.moments.at(-1)?.read;
	const live = [...leader.resumed.state.runs.keys()];
	expect(live).toHaveLength(1);
	leader.store.close();

	const again = await startLeader(rig, folder);
	expect(differences(leader.resumed.state, again.resumed.state)).toEqual([]);
	expect({ runs: again.store.runs({ limit: 100 }).items.length }).toMatchObject({ runs: 6 });
	again.store.close();

	rmSync(join(folder, "read.sqlite"));
	const rebuilt = await startLeader(rig, folder);
	const runs = rebuilt.store.runs({ limit: 100 }).items.map(({ id }) => id);
	expect(runs.length).toBeLessThan(6);
	expect(runs).toContain(live[0]);
	const { models, deployments } = whole as { models: unknown[]; deployments: unknown[] };
	expect(rebuilt.store.models()).toMatchObject(models);
	expect(rebuilt.store.deployments()).toMatchObject(deployments);
	rebuilt.store.close();
});

it("a trimmed journal without a snapshot is no journal", async () => {
	const rig = await startJournalRig();
	const folder = rig.folder();
	const leader = await startLeader(rig, folder);
	for (const events of batches) await leader.append(events);
	leader.store.close();
	await leader.manager.streams.delete("OBJ_RM_SNAPSHOT");
	rmSync(join(folder, "snapshot.gz"));
	await expect(startLeader(rig, folder)).rejects.toMatchObject({
		code: "RM_JOURNAL_INVALID",
		message: expect.stringMatching(/^the journal begins at \d+, and no snapshot can be read$/),
	});
});
