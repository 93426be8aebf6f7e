import { pino } from "pino";
import { afterEach, expect, it, vi } from "vitest";
import { newStanding } from "#coordinator/journal/standing.ts";
import { openReadSide } from "#coordinator/read-side.ts";
import { createStory, pipelineOf, stepOf } from "#test/support/journal-story.ts";

const RUN = "r0000000000001";
const log = pino({ level: "silent" });
const submitted = createStory(RUN).submitted(pipelineOf("digits", [stepOf("prepare")]));
const batch = { sequence: 1, events: [submitted], bytes: 0 };

afterEach(() => {
	vi.useRealTimers();
});

it("shows a commit to whoever reads, at once", () => {
	const { store, readSide } = openReadSide(":memory:", 1, newStanding(), log);
	readSide.commit([batch]);
	expect(store.run(RUN)?.pipeline).toBe("digits");
	readSide.commit([{ ...batch, sequence: 2, events: [] }]);
	expect(store.sequence()).toBe(2);
	readSide.commit([{ ...batch, sequence: 3, events: [] }]);
	expect(store.history.unmeasured(0, 1)).toEqual([]);
	expect(store.sequence()).toBe(3);
	store.close();
});

it("tells of commits that nobody has asked for, of several once", () => {
	vi.useFakeTimers();
	let told = 0;
	const { store, readSide } = openReadSide(":memory:", 1, newStanding(), log, () => told++);
	readSide.commit([batch]);
	readSide.commit([{ ...batch, sequence: 2, events: [] }]);
	expect(told).toBe(0);
	vi.runAllTimers();
	expect(told).toBe(1);
	expect(store.sequence()).toBe(2);
	expect(told).toBe(1);
	store.close();
});
