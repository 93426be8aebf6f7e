/**
 * Whatever happens in whatever order: what is accepted fits, nothing is launched twice, outcomes are kept until settled;
 * while the agent is closed nothing is taken, and what is to stand still does.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Command } from "#agent/core/commands.ts";
import { attemptStatuses, handle } from "#agent/core/core.ts";
import type { Input } from "#agent/core/inputs.ts";
import { type AgentState, createState, identityOf } from "#agent/core/state.ts";
import type { Task, Usable } from "#shared/domain.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import { commandTask, noopTask } from "#test/support/agent-tasks.ts";
import { gpuOf } from "#test/support/gpus.ts";

const GiB = 1024 ** 3;
const gpus = ["g0", "g1"].map((id) => gpuOf(id, 16 * GiB));
const capacity = { cpuMillis: 2_000, memoryBytes: 8 * GiB, diskBytes: 10 * GiB, named: { licence: 2 }, gpus };

const taskArbitrary: fc.Arbitrary<Task> = fc
	.record({
		step: fc.constantFrom("a", "b", "c", "d"),
		attemptNumber: fc.integer({ min: 1, max: 3 }),
		noop: fc.boolean(),
		cpuMillis: fc.integer({ min: 0, max: 2_500 }),
		gpuCount: fc.integer({ min: 0, max: 2 }),
		gpuShare: fc.integer({ min: 0, max: 16 }),
		diskBytes: fc.constantFrom(0, 4 * GiB),
		licences: fc.integer({ min: 0, max: 2 }),
		timeoutMs: fc.constantFrom(0, 50),
	})
	.map(({ step, attemptNumber, noop, cpuMillis, gpuCount, gpuShare, diskBytes, licences, timeoutMs }) => {
		const named: Record<string, number> = licences === 0 ? {} : { licence: licences };
		const gpu = gpuCount === 0 ? null : { count: gpuCount, memoryBytes: gpuShare * GiB, model: "" };
		const more = {
			attemptNumber,
			timeoutMs,
			graceMs: 20,
			resources: { cpuMillis, memoryBytes: GiB, gpu, diskBytes, named },
		};
		return noop ? noopTask(step, more) : commandTask(step, "true", more);
	});

/** What may happen next; the picks choose among what is open. */
type Move =
	| { kind: "task"; task: Task }
	| { kind: "answer"; pick: number; succeeds: boolean }
	| { kind: "stop"; pick: number }
	| { kind: "exceed"; pick: number }
	| { kind: "settle"; pick: number }
	| { kind: "usable"; usable: Usable }
	| { kind: "closed"; by: string; reason: string; running: "finish" | "pause" | "stop" }
	| { kind: "time"; ms: number };

const pick = fc.nat(50);
const moveArbitrary: fc.Arbitrary<Move> = fc.oneof(
	{ weight: 3, arbitrary: fc.record({ kind: fc.constant("task" as const), task: taskArbitrary }) },
	{ weight: 6, arbitrary: fc.record({ kind: fc.constant("answer" as const), pick, succeeds: fc.boolean() }) },
	{ weight: 1, arbitrary: fc.record({ kind: fc.constant("stop" as const), pick }) },
	{ weight: 1, arbitrary: fc.record({ kind: fc.constant("exceed" as const), pick }) },
	{ weight: 1, arbitrary: fc.record({ kind: fc.constant("settle" as const), pick }) },
	{ weight: 1, arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.nat(100) }) },
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant("usable" as const),
			usable: fc.record({
				cpuMillis: fc.integer({ min: 0, max: 3_000 }),
				memoryBytes: fc.integer({ min: 0, max: 9 * GiB }),
				diskBytes: fc.integer({ min: 0, max: 11 * GiB }),
				devices: fc.constant<Usable["devices"]>([]),
			}),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant("closed" as const),
			by: fc.constantFrom("owner", "self-check"),
			reason: fc.constantFrom("", "", "it is the owner's"),
			running: fc.constantFrom("finish" as const, "pause" as const, "stop" as const),
		}),
	},
);

/** A shell that answers when the moves say so. */
class Shell {
	readonly state: AgentState = createState("box" as AgentId, capacity);
	readonly launches = new Map<AttemptId, number>();
	readonly running = new Set<AttemptId>();
	readonly outcomes = new Set<AttemptId>();
	readonly settled = new Set<AttemptId>();
	readonly paused = new Set<AttemptId>();
	readonly acknowledged: number[] = [];
	readonly seen: Task[] = [];
	#open: Input[] = [];
	#nowMs = 0;
	deliveries = 0;

	make(move: Move): void {
		switch (move.kind) {
			case "task":
				this.seen.push(move.task);
				return this.give({ kind: "taskReceived", delivery: ++this.deliveries, task: move.task });
			case "answer": {
				const [answer] = this.#open.splice(move.pick % Math.max(1, this.#open.length), 1);
				return answer && this.give(move.succeeds ? answer : failed(answer));
			}
			case "stop": {
				const task = this.seen[move.pick % Math.max(1, this.seen.length)];
				return task && this.give({ kind: "stopAsked", leaderEpoch: 1, attemptId: task.attemptId, reason: "" });
			}
			case "exceed": {
				const task = this.seen[move.pick % Math.max(1, this.seen.length)];
				return task && this.give({ kind: "limitExceeded", attemptId: task.attemptId, cause: "oom", reason: "" });
			}
			case "settle": {
				const [attemptId] = [...this.outcomes].filter((id) => !this.settled.has(id));
				if (!attemptId) return;
				this.settled.add(attemptId);
				return this.reply([attemptId]);
			}
			case "time":
				this.#nowMs += move.ms;
				return;
			case "usable":
				return this.give({ kind: "usableKnown", usable: move.usable });
			case "closed":
				return this.give({ ...move, kind: "closedChanged" });
		}
	}

	reply(settled: AttemptId[]): void {
		this.give({
			kind: "heartbeatReplied",
			reply: { leaderEpoch: 1, stop: [], settled, leave: false, advertise: false },
		});
	}

	/** Everything asked for is answered, until nothing is left to do. */
	settleDown(): void {
		for (const by of ["owner", "self-check"]) this.give({ kind: "closedChanged", by, reason: "" });
		this.#nowMs += 1_000_000;
		for (let answer = this.#open.shift(); answer; answer = this.#open.shift()) this.give(answer);
	}

	give(input: Input): void {
		for (const command of handle(this.state, input, this.#nowMs)) this.#carryOut(command);
		if (input.kind !== "launched") return;
		const exit = { exitCode: 0, signal: "", vanished: "", atMs: 0 };
		this.#open.push({ kind: "exited", attemptId: input.attemptId, exit });
	}

	#carryOut(command: Command): void {
		const answer = (input: Input): void => void this.#open.push(input);
		switch (command.kind) {
			case "acknowledge":
				return void this.acknowledged.push(command.delivery);
			case "persist":
				return answer({ kind: "taskPersisted", attemptId: command.task.attemptId });
			case "prepare":
				return answer({ kind: "prepared", attemptId: command.task.attemptId });
			case "launch": {
				const { attemptId } = command.task;
				this.launches.set(attemptId, (this.launches.get(attemptId) ?? 0) + 1);
				this.running.add(attemptId);
				return answer({ kind: "launched", attemptId, startedAtMs: this.#nowMs });
			}
			case "pause":
				return void this.paused.add(command.attemptId);
			case "resume":
				return void this.paused.delete(command.attemptId);
			case "wake":
				return answer({ kind: "woken", attemptId: command.attemptId });
			case "collect": {
				const { attemptId } = command.task;
				this.running.delete(attemptId);
				this.paused.delete(attemptId);
				const outcome = command.ending.kind === "unstarted" ? command.ending.outcome : ("succeeded" as const);
				return answer({
					kind: "outcomeReady",
					attemptId,
					outcome: {
						kind: "attemptFinished",
						attempt: identityOf(command.task),
						...{ outcome, failure: null, outputs: [], metrics: [] },
						...{ startedAtMs: 0, finishedAtMs: 0, logBytes: 0, logDroppedBytes: 0, codeUse: null, usage: null },
					},
				});
			}
			case "report": {
				const { body } = command.report;
				if (body.kind === "attemptFinished") this.outcomes.add(body.attempt.attemptId);
			}
		}
	}
}

const failed = (answer: Input): Input => {
	const failure = { cause: "input", message: "", signal: "" } as const;
	switch (answer.kind) {
		case "taskPersisted":
			return { kind: "taskNotPersisted", attemptId: answer.attemptId, reason: "no space" };
		case "prepared":
			return { kind: "prepareFailed", attemptId: answer.attemptId, failure };
		default:
			return answer;
	}
};

/** Whether it stands still is what those who closed the agent say, as long as it is not ending. */
const checkPauses = ({ state, running, paused }: Shell): void => {
	const isPausing = [...state.closed.values()].some(({ running }) => running === "pause");
	const isStopping = [...state.closed.values()].some(({ running }) => running === "stop");
	for (const { identity, phase, stop } of state.attempts.values()) {
		if (phase !== "running") continue;
		expect(running.has(identity.attemptId)).toBe(true);
		expect(paused.has(identity.attemptId)).toBe(isPausing && !isStopping && stop === null);
		if (isStopping) expect(stop).not.toBeNull();
	}
};

const checkCapacity = ({ ledger }: AgentState): void => {
	const held = [...ledger.held.values()];
	expect(held.reduce((sum, { cpuMillis }) => sum + cpuMillis, 0)).toBeLessThanOrEqual(capacity.cpuMillis);
	expect(held.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)).toBeLessThanOrEqual(capacity.memoryBytes);
	expect(held.reduce((sum, { diskBytes }) => sum + diskBytes, 0)).toBeLessThanOrEqual(capacity.diskBytes);
	expect(held.reduce((sum, { named }) => sum + (named.licence ?? 0), 0)).toBeLessThanOrEqual(2);
	for (const { id, memoryBytes } of gpus) {
		const users = held.filter(({ gpuIds }) => gpuIds.includes(id));
		if (users.some((user) => user.gpuMemoryBytes === 0)) expect(users).toHaveLength(1);
		expect(users.reduce((sum, user) => sum + user.gpuMemoryBytes, 0)).toBeLessThanOrEqual(memoryBytes);
	}
};

test("capacity is never exceeded, nothing is launched twice, every outcome stays until it is settled", () => {
	fc.assert(
		fc.property(fc.array(moveArbitrary, { maxLength: 120 }), (moves) => {
			const shell = new Shell();
			for (const move of moves) {
				const before = new Set(shell.state.attempts.keys());
				const wasClosed = shell.state.closed.size > 0;
				shell.make(move);
				for (const [attemptId, { phase }] of shell.state.attempts) {
					// One whose stop came before it is over as it comes.
					if (wasClosed && phase !== "finished") expect(before.has(attemptId)).toBe(true);
				}
				checkCapacity(shell.state);
				checkPauses(shell);
				for (const count of shell.launches.values()) expect(count).toBe(1);
				for (const attemptId of shell.running) expect(shell.state.ledger.held.has(attemptId)).toBe(true);
				const listed = new Set(attemptStatuses(shell.state).map(({ attemptId }) => attemptId));
				for (const attemptId of shell.outcomes) {
					if (!shell.settled.has(attemptId)) expect(listed.has(attemptId)).toBe(true);
				}
			}
			shell.settleDown();
			expect(new Set(shell.acknowledged).size).toBe(shell.deliveries);
			expect(attemptStatuses(shell.state).every(({ phase }) => phase === "finished")).toBe(true);
			expect(shell.state.ledger.held.size).toBe(0);
			expect(shell.paused.size).toBe(0);
			shell.reply(attemptStatuses(shell.state).map(({ attemptId }) => attemptId));
			expect(attemptStatuses(shell.state)).toEqual([]);
		}),
		{ numRuns: 300 },
	);
});
