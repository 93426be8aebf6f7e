/** Takes the agent's tasks from RM_TASKS. A message is acknowledged when the core says so, not when it is read. */

import { AckPolicy, type JetStreamManager, type JsMsg, type NatsConnection, nanos } from "nats";
import type { Logger } from "pino";
import type { Task } from "#shared/domain.ts";
import { type AgentId, isAttemptId } from "#shared/ids.ts";
import { consumers, streams, subjects } from "#shared/subjects.ts";
import { taskCodec } from "#shared/wire/codec.ts";
import { untilItWorks } from "./retry.ts";

export interface TaskFeed {
	acknowledge(delivery: number): void;
	/** Takes no more; resolves when what was taken has been acknowledged. */
	close(): Promise<void>;
}

export interface TaskFeedOptions {
	nats: NatsConnection;
	agentId: AgentId;
	onTask(delivery: number, task: Task): void;
	log: Logger;
}

/** After so long a task that was not acknowledged comes again. */
const ACK_WAIT_MS = 10_000;
const TAKEN_AT_ONCE = 1_000;
const UNACKNOWLEDGED_LIMIT = 20_000;

export const feedTasks = ({ nats, agentId, onTask, log }: TaskFeedOptions): TaskFeed => {
	const closing = new AbortController();
	const unacknowledged = new Map<number, JsMsg>();
	const jetstream = nats.jetstream();
	const acknowledged = Promise.withResolvers<void>();
	let deliveries = 0;

	const take = (message: JsMsg): void => {
		const task = decode(message);
		if (!task) return;
		const delivery = ++deliveries;
		unacknowledged.set(delivery, message);
		onTask(delivery, task);
	};

	/** What is no task, or not for a folder of ours, never will be. */
	const decode = (message: JsMsg): Task | null => {
		try {
			const task = taskCodec.decode(message.data);
			if (isAttemptId(task.attemptId)) return task;
			log.error(`a task with the attempt id ${JSON.stringify(task.attemptId)} was thrown away`);
		} catch (error) {
			log.error({ err: error }, "a message that is no task was thrown away");
		}
		message.term();
		return null;
	};

	const consume = async (): Promise<void> => {
		await ensureConsumer(await nats.jetstreamManager({ checkAPI: false }), agentId);
		const consumer = await jetstream.consumers.get(streams.tasks, consumers.tasks(agentId));
		const messages = await consumer.consume({
			max_messages: TAKEN_AT_ONCE,
			abort_on_missing_resource: true,
			callback: take,
		});
		const stop = (): void => messages.stop();
		closing.signal.addEventListener("abort", stop, { once: true });
		if (closing.signal.aborted) stop();
		// Ends when we close, or when stream or consumer are gone: then both are made again.
		const error = await messages.closed();
		closing.signal.removeEventListener("abort", stop);
		if (error) throw error;
	};

	const loop = async (): Promise<void> => {
		while (!closing.signal.aborted && !nats.isClosed()) {
			await untilItWorks("taking tasks", consume, { signal: closing.signal, log }).catch(() => undefined);
		}
	};
	void loop();

	const look = (): void => {
		if (closing.signal.aborted && unacknowledged.size === 0) acknowledged.resolve();
	};

	return {
		acknowledge: (delivery) => {
			unacknowledged.get(delivery)?.ack();
			unacknowledged.delete(delivery);
			look();
		},
		close: () => {
			closing.abort();
			look();
			return acknowledged.promise;
		},
	};
};

const ensureConsumer = (manager: JetStreamManager, agentId: AgentId): Promise<unknown> =>
	manager.consumers.add(streams.tasks, {
		durable_name: consumers.tasks(agentId),
		filter_subject: subjects.task(agentId),
		ack_policy: AckPolicy.Explicit,
		ack_wait: nanos(ACK_WAIT_MS),
		max_ack_pending: UNACKNOWLEDGED_LIMIT,
	});
