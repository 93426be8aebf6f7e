/** One simulated agent: a few lines of what an agent says, and nothing of what it does. */

import { randomUUID } from "node:crypto";
import { AckPolicy, type NatsConnection, nanos } from "nats";
import type { AttemptIdentity, AttemptPhase, ReportBody } from "#shared/domain.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import { buckets, consumers, streams, subjects } from "#shared/subjects.ts";
import { advertCodec, heartbeatCodec, heartbeatReplyCodec, reportCodec, taskCodec } from "#shared/wire/codec.ts";

export interface SimulatedAgent {
	beat(): Promise<void>;
	release(): void;
	taken(): number;
}

interface Held {
	identity: AttemptIdentity;
	phase: AttemptPhase;
}

const TAKEN_AT_ONCE = 200;
const UNACKNOWLEDGED_MAX = 20_000;
const ACK_WAIT_MS = 10_000;
const REPLY_WITHIN_MS = 10_000;

export const simulateAgent = async (
	connection: NatsConnection,
	agentId: AgentId,
	{ cpuMillis, memoryBytes, labels }: { cpuMillis: number; memoryBytes: number; labels: Record<string, string> },
): Promise<SimulatedAgent> => {
	const client = connection.jetstream();
	const sessionId = randomUUID();
	const held = new Map<AttemptId, Held>();
	let taken = 0;
	let released = false;

	const report = (id: string, body: ReportBody): void => {
		const bytes = reportCodec.encode({ reportId: id, agentId, atMs: Date.now(), body });
		void client.publish(subjects.report(agentId), bytes, { msgID: id, timeout: 30_000 });
	};
	const end = (each: Held): void => {
		each.phase = "finished";
		const { identity: attempt } = each;
		const atMs = Date.now();
		report(`${attempt.attemptId}:finished`, {
			...{ kind: "attemptFinished", attempt, outcome: "succeeded", failure: null, outputs: [], metrics: [] },
			...{ startedAtMs: atMs, finishedAtMs: atMs, logBytes: 0, logDroppedBytes: 0, codeUse: null, usage: null },
		});
	};
	const take = (bytes: Uint8Array): void => {
		const { runId, stepKey, attemptId, fence } = taskCodec.decode(bytes);
		if (held.has(attemptId)) return;
		taken++;
		const identity = { runId, stepKey, attemptId, fence };
		const each: Held = { identity, phase: "running" };
		held.set(attemptId, each);
		report(`${attemptId}:started`, { kind: "attemptStarted", attempt: identity });
		if (released) end(each);
	};

	const bucket = await client.views.kv(buckets.agents, { bindOnly: true });
	await bucket.put(
		agentId,
		advertCodec.encode({
			...{ agentId, name: agentId, version: "0.0.0", labels, fingerprint: null, cordoned: false, atMs: Date.now() },
			...{ capacity: { cpuMillis, memoryBytes, gpu: null, diskBytes: 0, named: {} }, endpoints: null, replicas: [] },
		}),
	);
	const manager = await connection.jetstreamManager({ checkAPI: false });
	await manager.consumers.add(streams.tasks, {
		durable_name: consumers.tasks(agentId),
		filter_subject: subjects.task(agentId),
		ack_policy: AckPolicy.Explicit,
		ack_wait: nanos(ACK_WAIT_MS),
		max_ack_pending: UNACKNOWLEDGED_MAX,
	});
	const consumer = await client.consumers.get(streams.tasks, consumers.tasks(agentId));
	await consumer.consume({
		max_messages: TAKEN_AT_ONCE,
		callback: (message) => {
			take(message.data);
			message.ack();
		},
	});

	return {
		beat: async () => {
			const attempts = [...held].map(([attemptId, { identity, phase }]) => ({
				attemptId,
				fence: identity.fence,
				phase,
			}));
			const heartbeat = {
				agentId,
				sessionId,
				atMs: Date.now(),
				attempts,
				load: null,
				draining: false,
				usable: null,
				closed: "",
			};
			const bytes = heartbeatCodec.encode(heartbeat);
			// Between two leaders nobody answers; the next heartbeat tells the same.
			const reply = await connection
				.request(subjects.heartbeat(agentId), bytes, { timeout: REPLY_WITHIN_MS })
				.catch(() => null);
			if (reply) for (const attemptId of heartbeatReplyCodec.decode(reply.data).settled) held.delete(attemptId);
		},
		release: () => {
			released = true;
			for (const each of held.values()) if (each.phase === "running") end(each);
		},
		taken: () => taken,
	};
};
