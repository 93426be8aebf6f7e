/** Hints from the leader to act now; what they say, the next heartbeat's answer says too. */

import type { NatsConnection, Subscription } from "nats";
import type { Logger } from "pino";
import type { Control } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import { controlCodec } from "#shared/wire/codec.ts";

export const listenForControl = (
	nats: NatsConnection,
	agentId: AgentId,
	onControl: (control: Control) => void,
	log: Logger,
): Subscription =>
	nats.subscribe(subjects.control(agentId), {
		callback: (error, message) => {
			try {
				if (error) throw error;
				onControl(controlCodec.decode(message.data));
				message.respond();
			} catch (problem) {
				log.warn({ err: problem }, "a control message was passed over");
			}
		},
	});
