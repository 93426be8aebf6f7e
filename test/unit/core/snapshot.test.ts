import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dumpState, NewerSnapshotError, restoreState, writeDump } from "#coordinator/core/snapshot.ts";
import { type MeshState, newMeshState } from "#coordinator/core/state.ts";
import { batchCodec } from "#coordinator/journal/codec.ts";
import { World } from "#test/sim/world/world.ts";
import { readKeptJournal, replay } from "#test/support/kept-journal.ts";
import { differences } from "#test/support/same-state.ts";

const snapshotOf = (state: MeshState): string[] => [...writeDump(dumpState(state))];

const POINTS = 12;

/** A snapshot after so many of the messages gives the same as the journal does, at once and at the end. */
const checkJournal = (messages: readonly Uint8Array[]): void => {
	const whole = replay(messages);
	const stride = Math.ceil(messages.length / POINTS);
	let state = newMeshState();
	for (let count = 0; count <= messages.length; count += stride) {
		state = replay(messages.slice(Math.max(0, count - stride), count), state);
		const texts = snapshotOf(state);
		const restored = restoreState(texts);
		expect(differences(state, restored), `after ${count} messages`).toEqual([]);
		expect(snapshotOf(restored)).toEqual(texts);
		expect(differences(whole, replay(messages.slice(count), restored)), `on from message ${count}`).toEqual([]);
	}
};

test("simulated meshes go on from a snapshot as from their journal", () => {
	for (let seed = 1; seed <= 15; seed++) {
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
	const texts = [JSON.stringify({ kind: "snapshot", schemaVersion: 3 }), ...rest];
	expect(() => restoreState(texts)).toThrow(NewerSnapshotError);
	expect(() => restoreState(texts)).toThrow("is of schema 3, this release reads up to 2");
});

test("half a snapshot is refused", () => {
	expect(() => restoreState(snapshotOf(newMeshState()).slice(0, -1))).toThrow("not whole");
});

test("a picture does not change with the state", () => {
	const { messages } = readKeptJournal(join(kept, "0.1-mesh.gz"));
	const state = replay(messages.slice(0, -10));
	const dump = dumpState(state);
	const before = [...writeDump(dump)];
	replay(messages.slice(-10), state);
	expect([...writeDump(dump)]).toEqual(before);
});
