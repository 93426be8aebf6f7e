/** Carries out what the core decided, on NATS. Nothing waits here: a message that is lost is sent again by the core. */

import { headers, type KV, type NatsConnection } from "nats";
import type { Logger } from "pino";
import { assertNever } from "#shared/assert-never.ts";
import type { DesiredServing } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import { controlCodec, desiredServingCodec, heartbeatReplyCodec, taskCodec } from "#shared/wire/codec.ts";
import type { Effect } from "../core/inputs.ts";

export const createEffects = (
	connection: NatsConnection,
	serving: KV,
	log: Logger,
): ((effects: readonly Effect[]) => void) => {
	/** What was decided last; an older one is not tried again. */
	const desired = new Map<AgentId, DesiredServing>();

	const putServing = (agentId: AgentId, wanted: DesiredServing): void => {
		serving.put(agentId, desiredServingCodec.encode(wanted)).catch((error: unknown) => {
			log.warn({ err: error, agent: agentId }, "desired serving state could not be written; trying again");
			setTimeout(() => {
				if (desired.get(agentId) === wanted) putServing(agentId, wanted);
			}, SERVING_RETRY_MS).unref();
		});
	};

	const carryOut = (effect: Effect): void => {
		switch (effect.kind) {
			case "sendTask":
				return sendTask(connection, effect);
			case "sendControl":
				return connection.publish(subjects.control(effect.agentId), controlCodec.encode(effect.control));
			case "putServing":
				desired.set(effect.agentId, effect.desired);
				return putServing(effect.agentId, effect.desired);
			case "replyHeartbeat":
				return connection.publish(effect.replyTo, heartbeatReplyCodec.encode(effect.reply));
			default:
				return assertNever(effect);
		}
	};

	return (effects) => {
		// A closing connection refuses to publish: whoever leads next sends it all again.
		if (connection.isClosed() || connection.isDraining()) return;
		for (const effect of effects) {
			try {
				carryOut(effect);
			} catch (error) {
				log.warn({ err: error, effect: effect.kind }, "a message could not be sent");
			}
		}
	};
};

/** Without asking for an acknowledgement: a task that no heartbeat shows is sent again, whatever became of it. */
const sendTask = (
	connection: NatsConnection,
	{ agentId, task, sendId }: Extract<Effect, { kind: "sendTask" }>,
): void => {
	const about = headers();
	about.set(MESSAGE_ID, sendId);
	connection.publish(subjects.task(agentId), taskCodec.encode(task), { headers: about });
};

/** By it JetStream knows a message that comes twice. */
const MESSAGE_ID = "Nats-Msg-Id";
const SERVING_RETRY_MS = 1_000;
