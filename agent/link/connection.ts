/** The agent's connection to NATS: made again for ever, whatever happens to the server, and never in silence. */

import { setTimeout as delay } from "node:timers/promises";
import { type ConnectionOptions, connect, ErrorCode, type NatsConnection, type NatsError } from "nats";
import type { Logger } from "pino";
import { monotonicClock } from "#shared/clock.ts";
import { type Credentials, natsAuth } from "#shared/credentials.ts";
import type { Home } from "#shared/home.ts";
import type { AgentId } from "#shared/ids.ts";
import { rarely } from "./rarely.ts";

export interface ConnectOptions {
	servers: readonly string[];
	credentials: Credentials;
	agentId: AgentId;
	/** Where the credentials are looked for. */
	home: Home;
	log: Logger;
}

/** A server that starts with new credentials refuses for a moment, and one that starts at all can't be reached. */
const PATIENCE_MS = 1_000;
const ASK_AGAIN_MS = 60_000;
/** The third that is due without an answer ends a connection that only looks alive: well within a lease. */
const PING_MS = 5_000;
/** Then it is dialled anew: what was dialled while the network was silent stays silent. */
const CONNECT_MS = 5_000;

export const connectNats = async (options: ConnectOptions): Promise<NatsConnection> => {
	const { credentials, agentId } = options;
	const servers = [...options.servers];
	const wanted = {
		servers,
		...natsAuth(credentials),
		name: `agent ${agentId}`,
		pingInterval: PING_MS,
		timeout: CONNECT_MS,
	};
	const connected = new AbortController();
	void explainWait(wanted, options, connected.signal);
	try {
		const nats = await connect({
			...wanted,
			maxReconnectAttempts: -1,
			waitOnFirstConnect: true,
			reconnectTimeWait: 250,
			reconnectJitter: 250,
			ignoreAuthErrorAbort: true,
			// Two stack traces for every publish, for the rare one that fails.
			noAsyncTraces: true,
		});
		void watchRefusals(nats, options);
		return nats;
	} finally {
		connected.abort();
	}
};

/** A connection that waits for its first success does not tell why it waits: one that gives up at once does. */
const explainWait = async (
	wanted: ConnectionOptions,
	options: ConnectOptions,
	connected: AbortSignal,
): Promise<void> => {
	for (let pauseMs = PATIENCE_MS; ; pauseMs = ASK_AGAIN_MS) {
		await delay(pauseMs, undefined, { signal: connected, ref: false }).catch(() => undefined);
		if (connected.aborted) return;
		try {
			await (await connect({ ...wanted, reconnect: false })).close();
		} catch (error) {
			if (!connected.aborted) warnOf((error as NatsError).code, options);
		}
	}
};

/** As when the server came back with other credentials. */
const watchRefusals = async (nats: NatsConnection, options: ConnectOptions): Promise<void> => {
	const warn = rarely((code: string) => warnOf(code, options), monotonicClock.nowMs);
	for await (const { type, data } of nats.status()) {
		if (type === "error" && data === ErrorCode.AuthorizationViolation) warn(data);
	}
};

const warnOf = (code: string, { servers, credentials, home, log }: ConnectOptions): void => {
	const where = servers.join(", ");
	if (code === ErrorCode.AuthorizationViolation) {
		const hint = `user and password come from RUNMESH_NATS_USER and RUNMESH_NATS_PASSWORD, else from ${home.credentials}: bring the mesh's own there and start the agent again`;
		log.warn({ hint }, `NATS at ${where} refuses the user "${credentials.natsUser}" with this password; trying on`);
	} else {
		const hint = "does it run, and can this machine reach it? --nats names another";
		log.warn({ code, hint }, `NATS at ${where} can't be reached; trying on`);
	}
};

/** Calls back whenever the connection came back after a loss. */
export const onReconnect = async (nats: NatsConnection, act: () => void): Promise<void> => {
	for await (const { type } of nats.status()) if (type === "reconnect") act();
};
