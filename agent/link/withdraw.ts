/** The last that an agent does in a mesh that it leaves for good: what the mesh kept for it goes. */

import type { NatsConnection } from "nats";
import type { AgentId } from "#shared/ids.ts";
import { buckets, consumers, streams, subjects } from "#shared/subjects.ts";

/** Its advert, its consumer, and tasks that came too late for it: their leases end without it. */
export const withdraw = async (nats: NatsConnection, agentId: AgentId): Promise<void> => {
	const bucket = await nats.jetstream().views.kv(buckets.agents, { bindOnly: true });
	await bucket.delete(agentId);
	const manager = await nats.jetstreamManager({ checkAPI: false });
	await manager.consumers.delete(streams.tasks, consumers.tasks(agentId));
	await manager.streams.purge(streams.tasks, { filter: subjects.task(agentId) });
};
