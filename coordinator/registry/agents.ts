/** Agents' adverts and heartbeats → core. */

import type { KV, NatsConnection } from "nats";
import type { Logger } from "pino";
import { subjects } from "#shared/subjects.ts";
import { advertCodec, heartbeatCodec } from "#shared/wire/codec.ts";
import type { Input } from "../core/inputs.ts";

type Take = (input: Input) => Promise<void>;

/** Every advert known now, then every change. Resolves when the known ones have been taken. */
export const watchAdverts = async (bucket: KV, log: Logger, take: Take): Promise<{ stop(): void }> => {
	const initialised = Promise.withResolvers<void>();
	const watch = await bucket.watch({ initializedFn: () => initialised.resolve() });
	const consume = async (): Promise<void> => {
		for await (const entry of watch) {
			if (entry.operation !== "PUT") continue;
			try {
				await take({ kind: "advertReceived", advert: advertCodec.decode(entry.value) });
			} catch (error) {
				log.warn({ err: error, agent: entry.key }, "an advert that can't be used is ignored");
			}
		}
	};
	void consume();
	await initialised.promise;
	return { stop: () => watch.stop() };
};

export const consumeHeartbeats = (connection: NatsConnection, log: Logger, take: Take): { stop(): void } => {
	const subscription = connection.subscribe(subjects.heartbeats, {
		callback: (error, message) => {
			if (error || !message.reply) return;
			try {
				const heartbeat = heartbeatCodec.decode(message.data);
				if (message.subject !== subjects.heartbeat(heartbeat.agentId)) return;
				take({ kind: "heartbeatReceived", heartbeat, replyTo: message.reply }).catch(() => {});
			} catch (cause) {
				log.warn({ err: cause, subject: message.subject }, "a heartbeat that can't be read is ignored");
			}
		},
	});
	return { stop: () => subscription.unsubscribe() };
};
