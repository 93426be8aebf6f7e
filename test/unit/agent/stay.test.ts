/** When an agent leaves the mesh for good, and that it takes nothing new before. */

import { beforeEach, expect, test } from "vitest";
import type { Command } from "#agent/core/commands.ts";
import { handle } from "#agent/core/core.ts";
import type { Exit, Input } from "#agent/core/inputs.ts";
import { type AgentState, closedReason, createState, identityOf } from "#agent/core/state.ts";
import { mayLeave, wishToLeave } from "#agent/core/stay.ts";
import type { Task } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { commandTask, noopTask } from "#test/support/agent-tasks.ts";

const capacity = { cpuMillis: 1000, memoryBytes: 1024 ** 3, diskBytes: 0, named: {}, gpus: [] };
const exit: Exit = { exitCode: 0, signal: "", vanished: "", atMs: 0 };
const busy = { forMs: 0, mostMs: null };

let state: AgentState;

beforeEach(() => {
	state = createState("box" as AgentId, capacity, { once: true });
});

const give = (input: Input): Command[] => handle(state, input, 1_000);
const receive = (task: Task): Command[] => give({ kind: "taskReceived", delivery: 1, task });
const declined = (commands: Command[]): string[] =>
	commands.flatMap((command) =>
		command.kind === "report" && command.report.body.kind === "attemptDeclined" ? [command.report.body.reason] : [],
	);
const replied = (settled: Task[], leave = false): Command[] =>
	give({
		kind: "heartbeatReplied",
		reply: { leaderEpoch: 1, stop: [], settled: settled.map(({ attemptId }) => attemptId), leave, advertise: false },
	});

const runToItsEnd = (task: Task): void => {
	const { attemptId } = task;
	receive(task);
	give({ kind: "taskPersisted", attemptId });
	give({ kind: "prepared", attemptId });
	give({ kind: "launched", attemptId, startedAtMs: 1_000 });
	give({ kind: "exited", attemptId, exit });
	const nothing = { failure: null, outputs: [], metrics: [], codeUse: null, usage: null };
	const times = { startedAtMs: 0, finishedAtMs: 0, logBytes: 0, logDroppedBytes: 0 };
	const outcome = { kind: "attemptFinished", attempt: identityOf(task), outcome: "succeeded" } as const;
	give({ kind: "outcomeReady", attemptId, outcome: { ...outcome, ...nothing, ...times } });
};

test("one task is taken, no other, and it wishes to go once that one is settled", () => {
	const task = commandTask("one", "true");
	expect(wishToLeave(state, busy)).toBe(null);
	runToItsEnd(task);
	expect(closedReason(state)).toMatch(/one task/);
	expect(declined(receive(commandTask("two", "true")))).toEqual([closedReason(state)]);
	expect(wishToLeave(state, busy)).toBe(null);
	replied([task]);
	expect(wishToLeave(state, busy)).toBe("its one task is done");
	// The leader decides when: what it made may be needed yet.
	expect(mayLeave(state)).toBe(false);
});

test("a task that is none for this machine is not the one", () => {
	receive(noopTask("select"));
	replied([noopTask("select")]);
	expect(wishToLeave(state, busy)).toBe(null);
	expect(receive(commandTask("one", "true")).map(({ kind }) => kind)).toEqual(["persist"]);
});

test("a task that could not be kept is not the one", () => {
	const task = commandTask("one", "true");
	receive(task);
	give({ kind: "taskNotPersisted", attemptId: task.attemptId, reason: "the disk is full" });
	expect(closedReason(state)).toBe("");
	expect(wishToLeave(state, busy)).toBe(null);
});

test("what an agent that died had taken is the one", () => {
	const task = commandTask("one", "true");
	const progress = { kind: "running" } as const;
	const recovered = { task, startedAtMs: 5, gpuIds: [], stop: null, pause: { sinceMs: null, beforeMs: 0 }, progress };
	give({ kind: "recovered", attempts: [recovered], settled: [] });
	expect(declined(receive(commandTask("two", "true")))).toHaveLength(1);
});

test("asked to leave, it takes nothing more, and leaves when nothing is left", () => {
	state = createState("box" as AgentId, capacity);
	const task = commandTask("one", "sleep 9");
	receive(task);
	replied([], true);
	expect(declined(receive(commandTask("two", "true")))).toEqual(["the agent is draining"]);
	expect(mayLeave(state)).toBe(false);
	runToItsEnd(task);
	replied([task], true);
	expect(mayLeave(state)).toBe(true);
});

test("a deposed leader's wish that it goes is not heeded", () => {
	state = createState("box" as AgentId, capacity);
	state.leaderEpoch = 2;
	replied([], true);
	expect(state.draining).toBe(false);
	expect(mayLeave(state)).toBe(false);
});

test("with nothing to do for long enough, it wishes to go", () => {
	state = createState("box" as AgentId, capacity);
	expect(wishToLeave(state, { forMs: 599_999, mostMs: 600_000 })).toBe(null);
	expect(wishToLeave(state, { forMs: 600_000, mostMs: 600_000 })).toBe("it had nothing to do for 10m");
	receive(commandTask("one", "true"));
	expect(wishToLeave(state, { forMs: 600_000, mostMs: 600_000 })).toBe(null);
});
