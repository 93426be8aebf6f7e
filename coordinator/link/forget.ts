/** Takes away what NATS keeps of an agent that is forgotten: its advert, and the tasks that nobody fetches any more. */

import { type JetStreamManager, type KV, NatsError } from "nats";
import type { Logger } from "pino";
import type { AgentId } from "#shared/ids.ts";
import { consumers, streams, subjects } from "#shared/subjects.ts";

const CONSUMER_NOT_FOUND = 10_014;

/** What fails is only left behind: the agent may be forgotten once more. */
export const createForgetter =
	(manager: JetStreamManager, adverts: KV, isBack: (agentId: AgentId) => boolean, log: Logger) =>
	(agentId: AgentId): void => {
		// Heard again since that was decided.
		if (isBack(agentId)) return;
		const forget = async (): Promise<void> => {
			await adverts.delete(agentId);
			await manager.streams.purge(streams.tasks, { filter: subjects.task(agentId) });
			await manager.consumers.delete(streams.tasks, consumers.tasks(agentId)).catch((error: unknown) => {
				if (!(error instanceof NatsError && error.jsError()?.err_code === CONSUMER_NOT_FOUND)) throw error;
			});
		};
		forget().catch((error) =>
			log.warn({ err: error, agent: agentId }, "what NATS keeps of an agent could not be removed"),
		);
	};
