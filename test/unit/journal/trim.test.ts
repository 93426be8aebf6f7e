import { expect, test } from "vitest";
import type { JournalEvent } from "#coordinator/core/events.ts";
import { firstLive, newStanding, note } from "#coordinator/journal/standing.ts";
import { firstBySize, firstToKeep } from "#coordinator/journal/trim.ts";
import { createStory, pipelineOf, stepOf } from "#test/support/journal-story.ts";

const bounds = { snapshots: [900, 800], projected: 1_000, firstLive: null };
const journal = { last_seq: 1_000 };

test("goes no further than the older of two snapshots", () => {
	expect(firstToKeep(journal, 990, bounds)).toBe(801);
	expect(firstToKeep(journal, 500, bounds)).toBe(500);
	expect(firstToKeep(journal, 500, { ...bounds, snapshots: [900] })).toBe(1);
});

test("keeps what the read store lacks, what a live run needs, and the last message", () => {
	expect(firstToKeep(journal, 990, { ...bounds, projected: 600 })).toBe(601);
	expect(firstToKeep(journal, 990, { ...bounds, firstLive: 50 })).toBe(50);
	expect(firstToKeep(journal, 1_001, { ...bounds, snapshots: [1_000, 1_000] })).toBe(1_000);
});

test("a journal that is too large loses as much as is too much", () => {
	const state = { first_seq: 101, last_seq: 200, messages: 100, bytes: 1_000 } as Parameters<typeof firstBySize>[0];
	expect(firstBySize(state, 1_000)).toBe(101);
	expect(firstBySize(state, 900)).toBe(111);
	expect(firstBySize(state, 0)).toBe(201);
});

test("remembers where live runs began, and the newest of what models and deployments come from", () => {
	const standing = newStanding();
	const [one, two] = [createStory("r1"), createStory("r2")];
	const events: JournalEvent[] = [
		one.submitted(pipelineOf("p", [stepOf("s")])),
		two.submitted(pipelineOf("p", [stepOf("s")])),
		one.registered("m", 1),
		one.deployed("d", 1, ["a"]),
		one.replica("d", "a", 1, "serving"),
		one.deployed("d", 2, ["a"]),
		one.finished("succeeded"),
	];
	for (const [index, event] of events.entries()) note(standing, index + 1, event);
	expect(firstLive(standing)).toBe(2);
	expect([...standing.events.values()].map(({ kind }) => kind)).toEqual([
		"modelVersionRegistered",
		"deploymentChanged",
		"replicaReported",
	]);
	note(standing, 8, two.finished("failed"));
	expect(firstLive(standing)).toBeNull();
});
