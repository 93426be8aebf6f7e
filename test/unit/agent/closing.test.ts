/** An agent that its owner closes: nothing new is taken; what runs goes on, stands still, or ends to run elsewhere. */

import { beforeEach, expect, test } from "vitest";
import type { Command } from "#agent/core/commands.ts";
import { attemptStatuses, handle } from "#agent/core/core.ts";
import type { Input, RecoveredAttempt } from "#agent/core/inputs.ts";
import { neverPaused } from "#agent/core/pausing.ts";
import { type AgentState, type Closure, closedReason, createState } from "#agent/core/state.ts";
import type { Task } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { commandTask, noopTask } from "#test/support/agent-tasks.ts";

const task = commandTask("train", "true", { timeoutMs: 60_000, graceMs: 500 });
const { attemptId } = task;
const REASON = "its owner is active";

let state: AgentState;
let nowMs: number;

beforeEach(() => {
	const amounts = { cpuMillis: 1000, memoryBytes: 1024 ** 3, diskBytes: 1024 ** 3 };
	state = createState("box" as AgentId, { ...amounts, named: {}, gpus: [] });
	nowMs = 1_000;
});

const give = (input: Input): Command[] => handle(state, input, nowMs);
const close = (running: Closure["running"], reason = REASON): Command[] =>
	give({ kind: "closedChanged", by: "owner", reason, running });
const open = (): Command[] => close("finish", "");
const receive = (task: Task): Command[] => give({ kind: "taskReceived", delivery: 1, task });
const launch = (): void => {
	receive(task);
	give({ kind: "taskPersisted", attemptId });
	give({ kind: "prepared", attemptId });
};
const run = (): Command[] => {
	launch();
	return give({ kind: "launched", attemptId, startedAtMs: nowMs });
};
const woken = (): Command[] => give({ kind: "woken", attemptId });

test("a closed agent declines what is new, with all the reasons, and takes work again when it opens", () => {
	close("finish");
	give({ kind: "closedChanged", by: "self-check", reason: "no process can be started" });
	expect(closedReason(state)).toBe(`${REASON}; no process can be started`);
	for (const next of [task, noopTask("nothing")]) {
		expect(receive(next)).toMatchObject([
			{ report: { body: { kind: "attemptDeclined", reason: `${REASON}; no process can be started` } } },
			{ kind: "acknowledge" },
		]);
	}
	give({ kind: "closedChanged", by: "self-check", reason: "" });
	expect(closedReason(state)).toBe(REASON);
	open();
	expect(receive(commandTask("other", "true"))).toMatchObject([{ kind: "persist" }]);
});

test("what was accepted before goes on to its end", () => {
	launch();
	expect(close("finish")).toEqual([]);
	expect(give({ kind: "launched", attemptId, startedAtMs: nowMs })).toMatchObject([
		{ kind: "report" },
		{ kind: "wake" },
	]);
	expect(open()).toEqual([]);
});

test("while an attempt stands still its timeout does not run", () => {
	run();
	nowMs = 31_000;
	expect(close("pause")).toEqual([{ kind: "pause", attemptId, pause: { sinceMs: 31_000, beforeMs: 0 } }]);
	expect(attemptStatuses(state)).toMatchObject([{ attemptId, phase: "paused" }]);
	nowMs = 500_000;
	expect(woken()).toEqual([]);
	expect(open()).toEqual([
		{ kind: "resume", attemptId, pause: { sinceMs: null, beforeMs: 469_000 } },
		{ kind: "wake", attemptId, atMs: 530_000 },
	]);
	nowMs = 530_000;
	expect(woken()).toMatchObject([{ signal: "SIGTERM", stop: { cause: "timeout" } }, { kind: "wake" }]);
});

test("one that is launched meanwhile stands still at once", () => {
	launch();
	close("pause");
	expect(give({ kind: "launched", attemptId, startedAtMs: nowMs }).at(-1)).toMatchObject({ kind: "pause" });
});

test("one that stands still can be cancelled: it goes on to heed it, and stands still no more", () => {
	run();
	close("pause");
	expect(give({ kind: "stopAsked", leaderEpoch: 1, attemptId, reason: "cancelled" })).toMatchObject([
		{ signal: "SIGTERM" },
		{ kind: "resume" },
		{ kind: "wake", atMs: nowMs + 500 },
	]);
	expect(close("pause", "its owner is still active")).toEqual([]);
	expect(open()).toEqual([]);
});

test("stop ends all, to run elsewhere, at whatever point it is", () => {
	run();
	const waiting = commandTask("waiting", "true");
	receive(waiting);
	const stop = { cause: "lost", reason: REASON, atMs: nowMs };
	expect(close("stop")).toEqual([
		{ kind: "signal", attemptId, signal: "SIGTERM", stop },
		{ kind: "wake", attemptId, atMs: nowMs + 500 },
	]);
	expect(give({ kind: "taskPersisted", attemptId: waiting.attemptId })).toMatchObject([
		{ kind: "acknowledge" },
		{ kind: "collect", ending: { kind: "unstarted", outcome: "failed", failure: { cause: "lost", message: REASON } } },
	]);
});

const recovered = (pause: RecoveredAttempt["pause"]): Command[] => {
	const running = { task, startedAtMs: 500, gpuIds: [], stop: null, pause, progress: { kind: "running" } as const };
	return give({ kind: "recovered", attempts: [running], settled: [] });
};

test("an agent that comes back continues what stood still, unless it is to stand still on", () => {
	nowMs = 100_000;
	expect(recovered({ sinceMs: 40_000, beforeMs: 1_000 })).toEqual([
		{ kind: "follow", task, startedAtMs: 500 },
		{ kind: "resume", attemptId, pause: { sinceMs: null, beforeMs: 61_000 } },
		{ kind: "wake", attemptId, atMs: 121_500 },
	]);
});

test("closed as it comes back, it goes on to hold what stood still", () => {
	nowMs = 100_000;
	close("pause");
	const since = (sinceMs: number) => [{ kind: "follow" }, { kind: "pause", pause: { sinceMs, beforeMs: 0 } }];
	expect(recovered({ sinceMs: 40_000, beforeMs: 0 })).toMatchObject(since(40_000));
});

test("closed as it comes back, it holds what ran meanwhile", () => {
	nowMs = 50_000;
	close("pause");
	expect(recovered(neverPaused)).toMatchObject([
		{ kind: "follow" },
		{ kind: "wake" },
		{ kind: "pause", pause: { sinceMs: 50_000, beforeMs: 0 } },
	]);
});

test("what others leave is all that is given, and what is held stays held", () => {
	run();
	const usable = { cpuMillis: 1000, memoryBytes: 512 * 1024 ** 2, diskBytes: 1024 ** 3, devices: [] };
	give({ kind: "usableKnown", usable });
	const resources = { cpuMillis: 100, memoryBytes: 512 * 1024 ** 2, gpu: null, diskBytes: 0, named: {} };
	expect(receive(commandTask("large", "true", { resources }))).toMatchObject([
		{
			report: {
				body: { reason: "memory: 512Mi wanted, 511Mi of 1Gi free: others on the machine use 512Mi" },
			},
		},
		{ kind: "acknowledge" },
	]);
	give({ kind: "usableKnown", usable: { ...usable, memoryBytes: 0 } });
	expect(state.ledger.held.size).toBe(1);
	expect(receive(noopTask("nothing"))).toMatchObject([{ kind: "report" }, { kind: "acknowledge" }]);
});
