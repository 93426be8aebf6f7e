import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { apply } from "#coordinator/core/apply.ts";
import { dumpState, NewerSnapshotError, restoreState, writeDump } from "#coordinator/core/snapshot.ts";
import { type MeshState, newMeshState } from "#coordinator/core/state.ts";
import { batchCodec } from "#coordinator/journal/codec.ts";
import { World } from "#test/sim/world/world.ts";
import { readKeptJournal } from "#test/support/kept-journal.ts";
import { differences } from "#test/support/same-state.ts";

const replay = (state: MeshState, messages: readonly Uint8Array[]): MeshState => {
	for (const data of messages) for (const event of batchCodec.decode(data).events) apply(state, event);
	return state;
};

const snapshotOf = (state: MeshState): string[] => [...writeDump(dumpState(state))];

/** A snapshot after any of the messages gives the same as the journal does, at once and at the end. */
const checkJournal = (messages: readonly Uint8Array[]): void => {
	const whole = replay(newMeshState(), messages);
	for (let count = 0; count <= messages.length; count++) {
		const state = replay(newMeshState(), messages.slice(0, count));
		const texts = snapshotOf(state);
		const restored = restoreState(texts);
		expect(differences(state, restored), `after ${count} messages`).toEqual([]);
		expect(snapshotOf(restored)).toEqual(texts);
		expect(differences(whole, replay(restored, messages.slice(count))), `on from message ${count}`).toEqual([]);
	}
};

test("simulated meshes go on from a snapshot as from their journal", () => {
	for (let seed = 1; seed <= 40; seed++) {
		const world = new World(seed);
		world.run();
		checkJournal(world.nats.journal.all.map(batchCodec.encode));
	}
});

const kept = join(import.meta.dirname, "../../journals");

test.each(readdirSync(kept))("the kept journal %s goes on from a snapshot as without one", (name) => {
	checkJournal(readKeptJournal(join(kept, name)).messages);
});

test("a snapshot of a newer release is refused", () => {
	const [, ...rest] = snapshotOf(newMeshState());
	const texts = [JSON.stringify({ kind: "snapshot", schemaVersion: 2 }), ...rest];
	expect(() => restoreState(texts)).toThrow(NewerSnapshotError);
	expect(() => restoreState(texts)).toThrow("is of schema 2, this release reads up to 1");
});

test("half a snapshot is refused", () => {
	expect(() => restoreState(snapshotOf(newMeshState()).slice(0, -1))).toThrow("not whole");
});

test("a picture does not change with the state", () => {
	const { messages } = readKeptJournal(join(kept, "0.1-mesh.gz"));
	const state = replay(newMeshState(), messages.slice(0, -10));
	const dump = dumpState(state);
	const before = [...writeDump(dump)];
	replay(state, messages.slice(-10));
	expect([...writeDump(dump)]).toEqual(before);
});
