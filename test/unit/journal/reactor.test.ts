/** The loop around the core, while the journal can't be written for a long time. */

import type { NatsConnection } from "nats";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { Input } from "#coordinator/core/inputs.ts";
import { defaultCoreOptions } from "#coordinator/core/turn.ts";
import type { CommittedBatch, Journal } from "#coordinator/journal/journal.ts";
import { createReactor } from "#coordinator/reactor.ts";
import { consumeHeartbeats } from "#coordinator/registry/agents.ts";
import type { AgentId } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import { heartbeatCodec } from "#shared/wire/codec.ts";
import { CoreMesh } from "#test/support/core-mesh.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";

const fail = (error: Error): never => {
	throw error;
};

test("a journal that was stuck for longer than a lease loses no attempt: nobody was heard meanwhile", async () => {
	const mesh = new CoreMesh();
	const agents = [mesh.agent("a1", 1), mesh.agent("a2", 1)];
	mesh.submit(pipelineOf(stepOf("one"), stepOf("two")));
	const tasks = [mesh.takeTask("one"), mesh.takeTask("two")];
	for (const task of tasks) mesh.start(task);
	const appended: CommittedBatch[] = [];
	const stuck = Promise.withResolvers<void>();
	const journal: Journal = {
		append: async (_epoch, events) => {
			if (events.length > 0) await stuck.promise;
			const batch = { sequence: appended.length + 1, events, bytes: 0 };
			appended.push(batch);
			return [batch];
		},
		...{ lastSequence: () => appended.length, movedTo: () => undefined, restore: async () => undefined },
	};
	const reactor = createReactor(mesh.state, {
		journal,
		...{ carryOut: () => undefined, committed: () => undefined, failed: fail },
		refused: (_input, error) => fail(error),
		contained: (_subject, error) => fail(error),
		clock: { nowMs: () => mesh.nowMs },
		options: defaultCoreOptions,
	});
	const submitted = reactor.take({ kind: "leadershipGained", coordinatorId: "c", epoch: 2 });
	await new Promise((resolve) => setImmediate(resolve));
	const beat = (index: number) => {
		const [agentId, task] = [agents[index], tasks[index]];
		if (!agentId || !task) throw new Error("no such agent");
		const { attemptId, fence } = task;
		const heartbeat = { agentId, sessionId: "s1", atMs: 0, load: null, draining: false, usable: null, closed: "" };
		const attempts = [{ attemptId, fence, phase: "running" as const }];
		return reactor.take({ kind: "heartbeatReceived", heartbeat: { ...heartbeat, attempts }, replyTo: "inbox" });
	};
	const first = [beat(0), reactor.take({ kind: "tick" })];
	mesh.nowMs += 10 * defaultCoreOptions.leaseMs;
	stuck.resolve();
	await Promise.all([submitted, ...first]);
	await Promise.all([beat(1), reactor.take({ kind: "tick" })]);
	expect(appended.flatMap(({ events }) => events).map(({ kind }) => kind)).toEqual(["leaderElected"]);
	expect([...mesh.state.attempts.values()].map(({ status }) => status)).toEqual(["running", "running"]);
});

test("of an agent's heartbeats that can't be taken now the newest alone waits", async () => {
	let deliver: (error: null, message: object) => void = () => undefined;
	const subscribe = ((_subject: string, options: { callback: typeof deliver }) => {
		deliver = options.callback;
		return {};
	}) as unknown as NatsConnection["subscribe"];
	const taken: Input[] = [];
	let stuck = Promise.withResolvers<void>();
	consumeHeartbeats({ subscribe }, pino({ level: "silent" }), (input) => {
		taken.push(input);
		return stuck.promise;
	});
	const beat = (name: string, atMs: number): void => {
		const agentId = name as AgentId;
		const heartbeat = {
			agentId,
			sessionId: "s",
			atMs,
			attempts: [],
			load: null,
			draining: false,
			usable: null,
			closed: "",
		};
		const message = { subject: subjects.heartbeat(agentId), reply: "inbox", data: heartbeatCodec.encode(heartbeat) };
		deliver(null, message);
	};
	const heard = (): unknown[] => taken.map((input) => input.kind === "heartbeatReceived" && input.heartbeat.atMs);
	for (let atMs = 1; atMs <= 1_000; atMs++) beat("a1", atMs);
	beat("a2", 7);
	expect(heard()).toEqual([1, 7]);
	stuck.resolve();
	stuck = Promise.withResolvers();
	await expect.poll(heard).toEqual([1, 7, 1_000]);
	stuck.reject(new Error("no leader any more"));
	await expect
		.poll(() => {
			beat("a1", 1_001);
			return heard();
		})
		.toContain(1_001);
});
