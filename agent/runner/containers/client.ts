/** Calls of an engine's command line, bounded in time and output. */

import { execFile } from "node:child_process";
import type { Environment } from "../setup/environment.ts";

export interface Client {
	/** "docker" or "podman", found in the agent's PATH. */
	program: string;
	/** Where its engine is and how it is spoken to; nothing of a step's. */
	env: Environment;
}

export interface CallOptions {
	timeoutMs?: number;
	signal?: AbortSignal;
}

/** The engine did not do what it was asked. */
export class ClientError extends Error {
	/** No answer came: it is not there, hangs, or may not be spoken to. */
	readonly unreachable: boolean;
	/** There is no such program. */
	readonly missing: boolean;

	constructor(message: string, { unreachable, missing }: { unreachable: boolean; missing: boolean }) {
		super(message);
		this.name = "ClientError";
		this.unreachable = unreachable;
		this.missing = missing;
	}
}

const TIMEOUT_MS = 15_000;
const OUTPUT_LIMIT = 4 * 1024 * 1024;

/** What a client needs of the agent's environment beside PATH: its engine's address, certificates, configuration. */
const SETTINGS =
	/^(DOCKER_(HOST|CONTEXT|CONFIG|CERT_PATH|TLS|TLS_VERIFY|API_VERSION)|CONTAINER_HOST|CONTAINERS_\w+|REGISTRY_AUTH_FILE|XDG_(RUNTIME_DIR|CONFIG_HOME|DATA_HOME)|DBUS_SESSION_BUS_ADDRESS|HOME|PATH)$/;

export const clientOf = (program: string, env: NodeJS.ProcessEnv = process.env): Client => ({
	program,
	env: Object.fromEntries(
		Object.entries(env).flatMap(([name, value]) => (value !== undefined && SETTINGS.test(name) ? [[name, value]] : [])),
	),
});

/** What it printed to standard output. Rejects with a ClientError that holds what it said of its failure. */
export const call = ({ program, env }: Client, args: string[], options: CallOptions = {}): Promise<string> =>
	new Promise((resolve, reject) => {
		const { timeoutMs = TIMEOUT_MS, signal } = options;
		const limits = { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: OUTPUT_LIMIT } as const;
		const child = execFile(
			program,
			args,
			{ ...limits, env, encoding: "utf8", ...(signal ? { signal } : {}) },
			(error, stdout, stderr) => {
				if (!error) return resolve(stdout);
				if (signal?.aborted) return reject(signal.reason);
				const missing = error.code === "ENOENT";
				if (missing) return reject(new ClientError(`${program} is not installed`, { unreachable: true, missing }));
				if (error.killed) {
					const late = `${program} ${args[0]} gave no answer in ${Math.round(timeoutMs / 1000)} s`;
					return reject(new ClientError(late, { unreachable: true, missing }));
				}
				const said = lastLine(stderr) || error.message;
				reject(new ClientError(said, { unreachable: UNREACHABLE.test(stderr), missing }));
			},
		);
		child.stdin?.end();
	});

const UNREACHABLE =
	/cannot connect to the docker daemon|is the docker daemon running|permission denied while trying to connect|error during connect|unable to connect to podman|connection refused|unexpected EOF|\bEOF$/im;

const SAID_LENGTH = 500;

/** Without the words that every one begins with. */
const lastLine = (text: string): string => {
	const line = text.trim().split("\n").filter(Boolean).at(-1) ?? "";
	return line.replace(/^(docker: |Error: |Error response from daemon: |ERRO\S* )+/i, "").slice(0, SAID_LENGTH);
};
