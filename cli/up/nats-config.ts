/**
 * The embedded nats-server's configuration file. It holds the password (mode 0600), so that no argument does.
 * The server logs to its standard output, which its supervisor bounds.
 */

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Credentials } from "#shared/credentials.ts";

export interface NatsSettings {
	/** Holds the configuration, the pid file and the store. */
	folder: string;
	host: string;
	port: number;
	/** How a probe tells this server from another on the port. */
	serverName: string;
	credentials: Credentials;
}

export const natsConfigPath = (folder: string): string => join(folder, "nats.conf");
export const natsPidPath = (folder: string): string => join(folder, "nats.pid");

const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

/** JSON is a subset of the server's configuration language, and needs no quoting of ours. */
const render = (settings: NatsSettings): string => {
	const { folder, host, port, serverName, credentials } = settings;
	const config = {
		server_name: serverName,
		host,
		port,
		max_payload: MAX_PAYLOAD_BYTES,
		pid_file: natsPidPath(folder),
		authorization: { user: credentials.natsUser, password: credentials.natsPassword },
		// Synced every two minutes, as is its default: the coordinator's own copy of the journal is synced at once.
		jetstream: { store_dir: join(folder, "store") },
	};
	return `${JSON.stringify(config, null, "\t")}\n`;
};

/** Written whole or not at all. */
export const writeNatsConfig = (settings: NatsSettings): void => {
	mkdirSync(settings.folder, { recursive: true, mode: 0o700 });
	const path = natsConfigPath(settings.folder);
	const staged = `${path}.${process.pid}`;
	writeFileSync(staged, render(settings), { mode: 0o600 });
	renameSync(staged, path);
};
