/** Carries out what the core decided, on NATS. Nothing waits here: a message that is lost is sent again by the core. */

import type { JetStreamClient, KV, NatsConnection } from "nats";
import type { Logger } from "pino";
import { assertNever } from "#shared/assert-never.ts";
import { subjects } from "#shared/subjects.ts";
import { controlCodec, desiredServingCodec, heartbeatReplyCodec, taskCodec } from "#shared/wire/codec.ts";
import type { Effect } from "../core/inputs.ts";

export const createEffects = (
	connection: NatsConnection,
	client: JetStreamClient,
	serving: KV,
	log: Logger,
): ((effects: readonly Effect[]) => void) => {
	const reportLoss = (what: string) => (error: unknown) =>
		log.debug({ err: error }, `${what} was not taken by NATS; it will be sent again`);

	const carryOut = (effect: Effect): void => {
		switch (effect.kind) {
			case "sendTask":
				client
					.publish(subjects.task(effect.agentId), taskCodec.encode(effect.task), { msgID: effect.sendId })
					.catch(reportLoss("a task"));
				return;
			case "sendControl":
				return connection.publish(subjects.control(effect.agentId), controlCodec.encode(effect.control));
			case "putServing":
				serving.put(effect.agentId, desiredServingCodec.encode(effect.desired)).catch((error: unknown) => {
					log.warn({ err: error, agent: effect.agentId }, "desired serving state could not be written; trying again");
					setTimeout(() => carryOut(effect), SERVING_RETRY_MS).unref();
				});
				return;
			case "replyHeartbeat":
				return connection.publish(effect.replyTo, heartbeatReplyCodec.encode(effect.reply));
			default:
				return assertNever(effect);
		}
	};

	return (effects) => {
		// A closing connection refuses to publish: whoever leads next sends it all again.
		if (connection.isClosed() || connection.isDraining()) return;
		for (const effect of effects) carryOut(effect);
	};
};

const SERVING_RETRY_MS = 1_000;
