/** An attempt that took more than it may: killed without grace, at whatever point it is. */

import { beforeEach, expect, test } from "vitest";
import type { Command } from "#agent/core/commands.ts";
import { handle } from "#agent/core/core.ts";
import type { Input } from "#agent/core/inputs.ts";
import { neverPaused } from "#agent/core/pausing.ts";
import { type AgentState, createState } from "#agent/core/state.ts";
import type { Task } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { commandTask } from "#test/support/agent-tasks.ts";

const task = commandTask("train", "true", { graceMs: 60_000 });
const { attemptId } = task;
const nowMs = 1_000;

let state: AgentState;

beforeEach(() => {
	state = createState("box" as AgentId, { cpuMillis: 1000, memoryBytes: 1024 ** 3, diskBytes: 0, named: {}, gpus: [] });
});

const give = (input: Input): Command[] => handle(state, input, nowMs);
const exceeds = (): Command[] => give({ kind: "limitExceeded", attemptId, cause: "oom", reason: "used 2Gi of 1Gi" });
const receive = (task: Task): Command[] => give({ kind: "taskReceived", delivery: 1, task });
const prepare = (): void => {
	receive(task);
	give({ kind: "taskPersisted", attemptId });
};
const launch = (): void => {
	prepare();
	give({ kind: "prepared", attemptId });
};
const launched = (): Command[] => give({ kind: "launched", attemptId, startedAtMs: nowMs });

const killed = [
	{ kind: "signal", signal: "SIGKILL", stop: { cause: "oom", reason: "used 2Gi of 1Gi", atMs: nowMs } },
	{ kind: "wake", atMs: nowMs + 5_000 },
];
const failed = { kind: "unstarted", outcome: "failed", failure: { cause: "oom", message: "used 2Gi of 1Gi" } };

test("what runs is killed at once, and once", () => {
	launch();
	launched();
	expect(exceeds()).toMatchObject(killed);
	expect(exceeds()).toEqual([]);
	const exit = { exitCode: 137, signal: "SIGKILL", vanished: "", atMs: nowMs };
	expect(give({ kind: "exited", attemptId, exit })).toMatchObject([
		{ kind: "collect", ending: { kind: "exited", stop: { cause: "oom" } } },
	]);
});

test("before its command runs it ends as failed, or is killed as soon as it is known to run", () => {
	prepare();
	expect(exceeds()).toEqual([{ kind: "abortPrepare", attemptId }]);
	expect(give({ kind: "prepared", attemptId })).toMatchObject([{ kind: "collect", ending: failed }]);

	state = createState("box" as AgentId, state.ledger.capacity);
	launch();
	expect(exceeds()).toEqual([]);
	expect(launched()).toMatchObject([{ kind: "report" }, ...killed]);
});

test("one that is being stopped loses its grace, not the reason of its stop", () => {
	launch();
	launched();
	give({ kind: "stopAsked", leaderEpoch: 1, attemptId, reason: "superseded" });
	expect(exceeds()).toMatchObject([{ signal: "SIGKILL", stop: { cause: "cancelled", reason: "superseded" } }, {}]);
});

test("an agent that comes back goes on with the kill", () => {
	const stop = { cause: "oom", reason: "used 2Gi of 1Gi", atMs: nowMs } as const;
	const progress = { kind: "running" } as const;
	const attempts = [{ task, startedAtMs: 10, gpuIds: [], stop, pause: neverPaused, progress }];
	expect(give({ kind: "recovered", attempts, settled: [] })).toMatchObject([{ kind: "follow" }, ...killed]);
});
