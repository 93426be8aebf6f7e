/** The agent's connection to NATS: made again for ever, whatever happens to the server. */

import { connect, type NatsConnection } from "nats";
import { type Credentials, natsAuth } from "#shared/credentials.ts";
import type { AgentId } from "#shared/ids.ts";

export const connectNats = (servers: string[], credentials: Credentials, agentId: AgentId): Promise<NatsConnection> =>
	connect({
		servers,
		...natsAuth(credentials),
		name: `agent ${agentId}`,
		maxReconnectAttempts: -1,
		waitOnFirstConnect: true,
		reconnectTimeWait: 250,
		reconnectJitter: 250,
		// A server that starts with new credentials refuses for a moment.
		ignoreAuthErrorAbort: true,
		pingInterval: 20_000,
	});

/** Calls back whenever the connection came back after a loss. */
export const onReconnect = async (nats: NatsConnection, act: () => void): Promise<void> => {
	for await (const { type } of nats.status()) if (type === "reconnect") act();
};
