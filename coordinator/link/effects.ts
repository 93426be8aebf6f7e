/** Carries out what the core decided, most of it on NATS. Nothing waits here: a message that is lost is sent again by the core. */

import { headers, type NatsConnection } from "nats";
import type { Logger } from "pino";
import { assertNever } from "#shared/assert-never.ts";
import type { AgentId } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import { controlCodec, heartbeatReplyCodec, taskCodec } from "#shared/wire/codec.ts";
import type { CompareCode } from "../code/compare.ts";
import type { Effect } from "../core/inputs.ts";
import type { ServingWriter } from "./serving-writer.ts";

export const createEffects = (
	connection: NatsConnection,
	serving: ServingWriter,
	compareCode: (effect: CompareCode) => void,
	forgetAgent: (agentId: AgentId) => void,
	log: Logger,
): ((effects: readonly Effect[]) => void) => {
	const carryOut = (effect: Effect): void => {
		switch (effect.kind) {
			case "sendTask":
				return sendTask(connection, effect);
			case "sendControl":
				return connection.publish(subjects.control(effect.agentId), controlCodec.encode(effect.control));
			case "putServing":
				return serving.put(effect.agentId, effect.desired);
			case "replyHeartbeat":
				return connection.publish(effect.replyTo, heartbeatReplyCodec.encode(effect.reply));
			case "forgetAgent":
				return forgetAgent(effect.agentId);
			case "compareCode":
				return compareCode(effect);
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
