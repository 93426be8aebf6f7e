/** Agents' adverts and heartbeats → core. */

import { setTimeout as sleep } from "node:timers/promises";
import type { KV, NatsConnection } from "nats";
import type { Logger } from "pino";
import type { AgentId } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import { advertCodec, heartbeatCodec } from "#shared/wire/codec.ts";
import type { Input } from "../core/inputs.ts";

type Take = (input: Input) => Promise<void>;
type HeartbeatReceived = Extract<Input, { kind: "heartbeatReceived" }>;

const RETRY_PAUSE_MS = 200;

/**
 * Every advert known now, then every change. Resolves when the known ones have been taken. After each reconnection it
 * watches anew: a server that started again knows nothing of a watch, which finds out only after some time.
 */
export const watchAdverts = async (
	connection: NatsConnection,
	bucket: KV,
	log: Logger,
	take: Take,
): Promise<{ stop(): void }> => {
	const initialised = Promise.withResolvers<void>();
	let stopped = false;
	let stopCurrent = (): void => undefined;

	const watchOnce = async (): Promise<void> => {
		const watch = await bucket.watch({ initializedFn: () => initialised.resolve() });
		stopCurrent = () => watch.stop();
		if (stopped) stopCurrent();
		for await (const entry of watch) {
			try {
				if (entry.operation !== "PUT") {
					await take({ kind: "agentLeft", agentId: entry.key as AgentId });
					continue;
				}
				const advert = advertCodec.decode(entry.value);
				if (advert.agentId !== entry.key) throw new Error(`it speaks for ${advert.agentId}`);
				await take({ kind: "advertReceived", advert });
			} catch (error) {
				log.warn({ err: error, agent: entry.key }, "an advert that can't be used is ignored");
			}
		}
	};
	const loop = async (): Promise<void> => {
		while (!stopped) {
			await watchOnce().catch((error) => log.debug({ err: error }, "adverts can't be watched now; trying again"));
			if (!stopped) await sleep(RETRY_PAUSE_MS);
		}
	};
	const renew = async (): Promise<void> => {
		for await (const { type } of connection.status()) if (type === "reconnect") stopCurrent();
	};
	void loop();
	void renew();
	await initialised.promise;
	return {
		stop: () => {
			stopped = true;
			stopCurrent();
		},
	};
};

/** Of each agent the newest alone waits for its turn: while the journal can't be written they must not pile up. */
export const consumeHeartbeats = (
	connection: Pick<NatsConnection, "subscribe">,
	log: Logger,
	take: Take,
): { stop(): void } => {
	/** By agent: one is being taken, and what has come meanwhile. */
	const waiting = new Map<AgentId, HeartbeatReceived | null>();
	const hear = (input: HeartbeatReceived): void => {
		const { agentId } = input.heartbeat;
		if (waiting.has(agentId)) {
			waiting.set(agentId, input);
			return;
		}
		waiting.set(agentId, null);
		const taken = (): void => {
			const next = waiting.get(agentId);
			waiting.delete(agentId);
			if (next) hear(next);
		};
		take(input).then(taken, taken);
	};
	const subscription = connection.subscribe(subjects.heartbeats, {
		callback: (error, message) => {
			if (error || !message.reply) return;
			try {
				const heartbeat = heartbeatCodec.decode(message.data);
				if (message.subject !== subjects.heartbeat(heartbeat.agentId)) return;
				hear({ kind: "heartbeatReceived", heartbeat, replyTo: message.reply });
			} catch (cause) {
				log.warn({ err: cause, subject: message.subject }, "a heartbeat that can't be read is ignored");
			}
		},
	});
	return { stop: () => subscription.unsubscribe() };
};
