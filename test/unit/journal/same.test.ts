import { describe, expect, it } from "vitest";
import type { JournalEvent } from "#coordinator/core/events.ts";
import { batchCodec, SCHEMA_VERSION } from "#coordinator/journal/codec.ts";
import { isSame } from "#coordinator/journal/recovery.ts";

const elected = (epoch: number): JournalEvent => ({ kind: "leaderElected", atMs: 1, coordinatorId: "c", epoch });
const cancelled: JournalEvent = { kind: "runCancelRequested", atMs: 1, runId: "r1" as never, reason: "" };

/** This home's message 7, of which nobody was told. */
const mine = (epoch: number, event: JournalEvent) => {
	const batch = { schemaVersion: SCHEMA_VERSION, leaderEpoch: epoch, batchId: "mine", events: [event] };
	return { sequence: 7, epoch, batchId: "mine", data: batchCodec.encode(batch) };
};
const theirs = (leaderEpoch: number) => ({ batchId: "theirs", leaderEpoch });
const tail = { acknowledged: () => 6 };

describe("a message that the journal has from another", () => {
	it("gives way to one that took over from the same message, and claims the same epoch", () => {
		expect(isSame(mine(3, elected(3)), theirs(3), tail, "home")).toBe(false);
		expect(isSame(mine(3, cancelled), theirs(3), tail, "home")).toBe(false);
	});

	it("gives way to the leader before, when it is the one by which this home took over", () => {
		expect(isSame(mine(3, elected(3)), theirs(2), tail, "home")).toBe(false);
	});

	it("contradicts the leader before, when this home led already", () => {
		expect(() => isSame(mine(3, cancelled), theirs(2), tail, "home")).toThrow("says something else at 7");
	});

	it("contradicts whatever was acknowledged", () => {
		const known = { acknowledged: () => 7 };
		expect(() => isSame(mine(3, elected(3)), theirs(4), known, "home")).toThrow("says something else at 7");
	});
});
