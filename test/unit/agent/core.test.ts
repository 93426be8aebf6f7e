/** The agent core's rules, one by one. */

import { beforeEach, expect, test } from "vitest";
import type { Command } from "#agent/core/commands.ts";
import { attemptStatuses, handle } from "#agent/core/core.ts";
import type { Exit, Input, RecoveredAttempt } from "#agent/core/inputs.ts";
import { neverPaused } from "#agent/core/pausing.ts";
import { type AgentState, createState, type FinishedBody, identityOf } from "#agent/core/state.ts";
import type { Task } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { commandTask, noopTask } from "#test/support/agent-tasks.ts";

const capacity = { cpuMillis: 1000, memoryBytes: 1024 ** 3, diskBytes: 0, named: {}, gpus: [] };
const exit: Exit = { exitCode: 0, signal: "", vanished: "", atMs: 0 };

let state: AgentState;
let nowMs: number;
let deliveries: number;

beforeEach(() => {
	state = createState("box" as AgentId, capacity);
	nowMs = 1_000;
	deliveries = 0;
});

const give = (input: Input): Command[] => handle(state, input, nowMs);
const receive = (task: Task): Command[] => give({ kind: "taskReceived", delivery: ++deliveries, task });
const kinds = (commands: Command[]): string[] => commands.map(({ kind }) => kind);
const reported = (commands: Command[]) =>
	commands.flatMap((command) => (command.kind === "report" ? [command.report.body] : []));
const stopAsked = ({ attemptId }: Task): Command[] =>
	give({ kind: "stopAsked", leaderEpoch: 1, attemptId, reason: "cancelled" });
const replied = (reply: { stop?: Task[]; settled?: Task[]; leaderEpoch?: number }): Command[] =>
	give({
		kind: "heartbeatReplied",
		reply: {
			leaderEpoch: reply.leaderEpoch ?? 1,
			stop: (reply.stop ?? []).map(({ attemptId }) => ({ attemptId, reason: "cancelled" })),
			settled: (reply.settled ?? []).map(({ attemptId }) => attemptId),
			leave: false,
			advertise: false,
		},
	});

const outcomeOf = (task: Task, outcome: FinishedBody["outcome"] = "succeeded"): FinishedBody => ({
	kind: "attemptFinished",
	attempt: identityOf(task),
	...{ outcome, failure: null, outputs: [], metrics: [] },
	...{ startedAtMs: 0, finishedAtMs: 0, logBytes: 0, logDroppedBytes: 0, codeUse: null, usage: null },
});

/** Up to where the process runs. */
const run = (task: Task): void => {
	receive(task);
	give({ kind: "taskPersisted", attemptId: task.attemptId });
	give({ kind: "prepared", attemptId: task.attemptId });
	give({ kind: "launched", attemptId: task.attemptId, startedAtMs: nowMs });
};

const finish = (task: Task): Command[] => {
	give({ kind: "exited", attemptId: task.attemptId, exit });
	return give({ kind: "outcomeReady", attemptId: task.attemptId, outcome: outcomeOf(task) });
};

test("a task goes from the message to its settlement, acknowledged only when on disk", () => {
	const task = commandTask("train", "true");
	const { attemptId } = task;
	expect(kinds(receive(task))).toEqual(["persist"]);
	expect(kinds(give({ kind: "taskPersisted", attemptId }))).toEqual(["acknowledge", "prepare"]);
	expect(kinds(give({ kind: "prepared", attemptId }))).toEqual(["launch"]);
	expect(reported(give({ kind: "launched", attemptId, startedAtMs: nowMs }))).toMatchObject([
		{ kind: "attemptStarted" },
	]);
	expect(attemptStatuses(state)).toEqual([{ attemptId, fence: 1, phase: "running" }]);
	expect(kinds(give({ kind: "exited", attemptId, exit }))).toEqual(["collect"]);
	expect(reported(give({ kind: "outcomeReady", attemptId, outcome: outcomeOf(task) }))).toMatchObject([
		{ kind: "attemptFinished", outcome: "succeeded" },
	]);
	expect(replied({ settled: [task] })).toEqual([{ kind: "forget", attemptId }]);
	expect(attemptStatuses(state)).toEqual([]);
});

test("the same task twice is one attempt; both messages are acknowledged", () => {
	const task = commandTask("train", "true");
	receive(task);
	expect(receive(task)).toEqual([]);
	expect(give({ kind: "taskPersisted", attemptId: task.attemptId })).toEqual([
		{ kind: "acknowledge", delivery: 1 },
		{ kind: "acknowledge", delivery: 2 },
		{ kind: "prepare", task },
	]);
});

test("a task that comes again is told how far it is, and once settled is not run", () => {
	const task = commandTask("train", "true");
	run(task);
	expect(reported(receive(task))).toMatchObject([{ kind: "attemptStarted" }]);
	finish(task);
	expect(reported(receive(task))).toMatchObject([{ kind: "attemptFinished" }]);
	replied({ settled: [task] });
	expect(kinds(receive(task))).toEqual(["acknowledge"]);
});

test("an attempt older than the newest of its step is refused, and stopped when it runs", () => {
	const first = commandTask("train", "true");
	const second = commandTask("train", "true", { attemptNumber: 2 });
	run(first);
	expect(receive(second)).toMatchObject([
		{ kind: "signal", attemptId: first.attemptId, signal: "SIGTERM" },
		{ kind: "wake" },
		{ kind: "persist" },
	]);
	expect(kinds(receive({ ...first, attemptId: "rtest.train.0" as Task["attemptId"] }))).toEqual(["acknowledge"]);
});

test("the same attempt with a newer fence is the same run, reported under the new fence", () => {
	const task = commandTask("train", "true");
	run(task);
	const leasedAgain = { ...task, fence: 7 };
	expect(kinds(receive(leasedAgain))).toEqual(["persist"]);
	expect(kinds(give({ kind: "taskPersisted", attemptId: task.attemptId }))).toEqual(["acknowledge"]);
	expect(reported(finish(task))).toMatchObject([{ attempt: { fence: 7 } }]);
});

test("a stop at every point before the start keeps it from starting", () => {
	const accepted = commandTask("accepted", "true");
	receive(accepted);
	expect(stopAsked(accepted)).toEqual([]);
	expect(give({ kind: "taskPersisted", attemptId: accepted.attemptId })).toMatchObject([
		{ kind: "acknowledge" },
		{ kind: "collect", ending: { kind: "unstarted", outcome: "cancelled" } },
	]);

	const preparing = commandTask("preparing", "true");
	receive(preparing);
	give({ kind: "taskPersisted", attemptId: preparing.attemptId });
	expect(kinds(stopAsked(preparing))).toEqual(["abortPrepare"]);
	expect(give({ kind: "prepared", attemptId: preparing.attemptId })).toMatchObject([
		{ kind: "collect", ending: { kind: "unstarted", outcome: "cancelled" } },
	]);

	const unknown = commandTask("unknown", "true");
	expect(stopAsked(unknown)).toEqual([]);
	expect(reported(receive(unknown))).toMatchObject([{ kind: "attemptFinished", outcome: "cancelled" }]);
});

test("a stop is SIGTERM, and SIGKILL when the grace is over, again and again", () => {
	const task = commandTask("train", "true", { graceMs: 500 });
	run(task);
	expect(stopAsked(task)).toMatchObject([{ signal: "SIGTERM" }, { kind: "wake", atMs: nowMs + 500 }]);
	expect(stopAsked(task)).toEqual([]);
	const killAtMs = nowMs + 500;
	expect(give({ kind: "woken", attemptId: task.attemptId })).toEqual([
		{ kind: "wake", attemptId: task.attemptId, atMs: killAtMs },
	]);
	nowMs = killAtMs;
	expect(give({ kind: "woken", attemptId: task.attemptId })).toMatchObject([{ signal: "SIGKILL" }, { kind: "wake" }]);
});

test.for([0, 10_000, 3_600_000])(
	"a grace of %i ms counts from the stop, over a restart of the agent too",
	(graceMs) => {
		const task = commandTask("train", "true", { graceMs });
		const stop = { cause: "cancelled", reason: "cancelled", atMs: nowMs } as const;
		const running: RecoveredAttempt = {
			task,
			startedAtMs: 10,
			gpuIds: [],
			stop,
			pause: neverPaused,
			progress: { kind: "running" },
		};
		const killAtMs = nowMs + graceMs;
		nowMs += graceMs / 2;
		expect(give({ kind: "recovered", attempts: [running], settled: [] })).toMatchObject([
			{ kind: "follow" },
			{ signal: "SIGTERM", stop },
			{ kind: "wake", atMs: killAtMs },
		]);
		nowMs = killAtMs;
		expect(give({ kind: "woken", attemptId: task.attemptId })).toMatchObject([{ signal: "SIGKILL" }, { kind: "wake" }]);
	},
);

test("a clock that was set back while no agent ran lengthens neither grace nor timeout", () => {
	const patient = commandTask("patient", "true", { graceMs: 500 });
	const slow = commandTask("slow", "true", { timeoutMs: 2_000 });
	const stop = { cause: "cancelled", reason: "cancelled", atMs: nowMs + 86_400_000 } as const;
	const progress = { kind: "running" } as const;
	const attempts: RecoveredAttempt[] = [
		{ task: patient, startedAtMs: 10, gpuIds: [], stop, pause: neverPaused, progress },
		{ task: slow, startedAtMs: nowMs + 86_400_000, gpuIds: [], stop: null, pause: neverPaused, progress },
	];
	const wakes = give({ kind: "recovered", attempts, settled: [] }).filter(({ kind }) => kind === "wake");
	expect(wakes).toMatchObject([{ atMs: nowMs + 500 }, { atMs: nowMs + 2_000 }]);
});

test("a timeout counts from the start and is a stop with its own cause", () => {
	const task = commandTask("train", "true", { timeoutMs: 60_000 });
	run(task);
	nowMs += 60_000;
	expect(give({ kind: "woken", attemptId: task.attemptId })).toMatchObject([
		{ kind: "signal", signal: "SIGTERM", stop: { cause: "timeout", reason: "ran longer than its timeout of 1m" } },
		{ kind: "wake" },
	]);
});

test("what does not fit is declined with the reason, again when asked again; a drained agent takes nothing", () => {
	const big = commandTask("big", "true", {
		resources: { cpuMillis: 2_000, memoryBytes: 0, gpu: null, diskBytes: 0, named: {} },
	});
	for (let time = 0; time < 2; time++) {
		expect(reported(receive(big))).toMatchObject([{ kind: "attemptDeclined", reason: "cpu: 2 wanted, 1 of 1 free" }]);
	}
	give({ kind: "drainAsked" });
	expect(reported(receive(commandTask("late", "true")))).toMatchObject([{ reason: "the agent is draining" }]);
});

test("a task that can't be put on the disk is handed back", () => {
	const task = commandTask("train", "true");
	receive(task);
	const commands = give({ kind: "taskNotPersisted", attemptId: task.attemptId, reason: "no space left" });
	expect(kinds(commands)).toEqual(["report", "discard", "acknowledge"]);
	expect(attemptStatuses(state)).toEqual([]);
	expect(state.ledger.held.size).toBe(0);
});

test("an unsettled outcome is reported again after a while, and at once to a new leader", () => {
	const task = noopTask("joint");
	expect(kinds(receive(task))).toEqual(["report", "acknowledge"]);
	expect(replied({})).toEqual([]);
	nowMs += 20_000;
	expect(reported(replied({}))).toMatchObject([{ kind: "attemptFinished" }]);
	expect(replied({})).toEqual([]);
	expect(reported(replied({ leaderEpoch: 2 }))).toMatchObject([{ kind: "attemptFinished" }]);
	expect(replied({ leaderEpoch: 2, settled: [task] })).toEqual([]);
	expect(attemptStatuses(state)).toEqual([]);
});

test("a deposed leader is not heeded", () => {
	const task = commandTask("train", "true");
	run(task);
	replied({ leaderEpoch: 5 });
	expect(replied({ leaderEpoch: 4, stop: [task], settled: [task] })).toEqual([]);
	expect(stopAsked(task)).toEqual([]);
});

test("an attempt that was settled while it runs is stopped, and forgotten when it is over", () => {
	const task = commandTask("train", "true");
	run(task);
	expect(replied({ settled: [task] })).toMatchObject([{ signal: "SIGTERM" }, { kind: "wake" }]);
	expect(finish(task)).toEqual([{ kind: "forget", attemptId: task.attemptId }]);
});

test("what an earlier agent left is taken up where it was", () => {
	const found = (step: string, progress: RecoveredAttempt["progress"], stop: RecoveredAttempt["stop"] = null) => ({
		task: commandTask(step, "true"),
		...{ startedAtMs: 500, gpuIds: [], stop, pause: neverPaused, progress },
	});
	const waits = found("waits", { kind: "accepted" });
	const runs = found("runs", { kind: "running" });
	const stopping = found("stopping", { kind: "running" }, { cause: "cancelled", reason: "cancelled", atMs: 900 });
	const ended = found("ended", { kind: "exited", exit });
	const over = found("over", { kind: "finished", outcome: outcomeOf(commandTask("over", "true")) });
	const settled = commandTask("settled", "true");
	const commands = give({
		kind: "recovered",
		attempts: [waits, runs, stopping, ended, over],
		settled: [settled.attemptId],
	});
	expect(kinds(commands)).toEqual(["follow", "follow", "signal", "wake", "collect", "report", "persist"]);
	expect(kinds(receive(settled))).toEqual(["acknowledge"]);
	expect(attemptStatuses(state)).toHaveLength(5);
});
