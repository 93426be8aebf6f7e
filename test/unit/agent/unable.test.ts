/** A task whose image no engine here can run: handed back, as if it had never been accepted. */

import { beforeEach, expect, test } from "vitest";
import type { Command } from "#agent/core/commands.ts";
import { handle } from "#agent/core/core.ts";
import type { Input } from "#agent/core/inputs.ts";
import { type AgentState, createState } from "#agent/core/state.ts";
import type { AgentId } from "#shared/ids.ts";
import { commandTask } from "#test/support/agent-tasks.ts";

const task = commandTask("train", "true", { image: "torch:2" });
const { attemptId } = task;
const reason = "no container engine on box: install docker or podman";

let state: AgentState;
const give = (input: Input): Command[] => handle(state, input, 1_000);

beforeEach(() => {
	state = createState("box" as AgentId, { cpuMillis: 1000, memoryBytes: 1024 ** 3, diskBytes: 0, named: {}, gpus: [] });
	give({ kind: "taskReceived", delivery: 1, task });
	give({ kind: "taskPersisted", attemptId });
});

test("it is declined with the reason, and nothing of it is kept", () => {
	const declined = { kind: "report", report: { body: { kind: "attemptDeclined", reason } } };
	expect(give({ kind: "unable", attemptId, reason })).toMatchObject([declined, { kind: "discard", attemptId }]);
	expect(state.ledger.held.size).toBe(0);
	expect(give({ kind: "taskReceived", delivery: 2, task })).toMatchObject([declined, { kind: "acknowledge" }]);
});

test("stopped meanwhile, it is cancelled instead", () => {
	give({ kind: "stopAsked", leaderEpoch: 1, attemptId, reason: "not wanted" });
	expect(give({ kind: "unable", attemptId, reason })).toMatchObject([
		{ kind: "collect", ending: { kind: "unstarted", outcome: "cancelled" } },
	]);
});

test("said late, it changes nothing", () => {
	give({ kind: "prepared", attemptId });
	expect(give({ kind: "unable", attemptId, reason })).toEqual([]);
});

test("an agent that takes one task alone takes another", () => {
	state = createState(state.agentId, state.ledger.capacity, { once: true });
	give({ kind: "taskReceived", delivery: 1, task });
	give({ kind: "taskPersisted", attemptId });
	give({ kind: "unable", attemptId, reason });
	const next = commandTask("next", "true");
	expect(give({ kind: "taskReceived", delivery: 2, task: next })).toMatchObject([{ kind: "persist" }]);
});
