/** Waits until our nats-server takes clients: it greets each with its name, once its streams are recovered. */

import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 10;
const GREETING_LIMIT_BYTES = 64 * 1024;

/** The server's name from its greeting; null when nobody, or no nats-server, answers. */
export const natsServerName = (host: string, port: number, timeoutMs = 1000): Promise<string | null> =>
	new Promise((resolve) => {
		const socket = connect({ host, port });
		let greeting = "";
		const done = (name: string | null): void => {
			socket.destroy();
			resolve(name);
		};
		socket.setTimeout(timeoutMs, () => done(null));
		socket.on("error", () => done(null));
		socket.on("close", () => done(null));
		socket.on("data", (chunk) => {
			greeting += chunk.toString("latin1");
			if (!greeting.includes("\r\n") && greeting.length < GREETING_LIMIT_BYTES) return;
			done(/^INFO .*"server_name":"([^"]+)"/.exec(greeting)?.[1] ?? null);
		});
	});

export const natsServerReady = async (
	server: { host: string; port: number; serverName: string },
	signal: AbortSignal,
): Promise<void> => {
	while ((await natsServerName(server.host, server.port)) !== server.serverName) {
		await delay(POLL_MS, undefined, { signal });
	}
};
