/** A real nats-server with JetStream for a test: its own random port, credentials and store, gone when stopped. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { choosePorts } from "#cli/up/free-ports.ts";
import { natsConfigPath, writeNatsConfig } from "#cli/up/nats-config.ts";
import { provisionNatsServer } from "#cli/up/nats-provision.ts";
import { natsServerReady } from "#cli/up/nats-ready.ts";
import { type Credentials, generateCredentials } from "#shared/credentials.ts";
import { resolveHome } from "#shared/home.ts";

export interface TestNatsServer {
	/** nats://127.0.0.1:port */
	readonly url: string;
	readonly port: number;
	readonly credentials: Credentials;
	/** Of the present process: a restart changes it. */
	readonly pid: number;
	/** Ends it and removes the store, unless `storeDir` was given. */
	stop(): Promise<void>;
	/** Sends the signal and waits until the process is gone; the store stays for `restart`. */
	kill(signal?: NodeJS.Signals): Promise<void>;
	/** Starts it again on the same port and store; ends it first if it still runs. */
	restart(): Promise<void>;
}

export interface TestNatsOptions {
	/** Kept after `stop`. */
	storeDir?: string;
	port?: number;
	credentials?: Credentials;
}

const HOST = "127.0.0.1";
const PORT_TRIES = 5;

export const startNatsServer = async (options: TestNatsOptions = {}): Promise<TestNatsServer> => {
	const binary = await provisionNatsServer({ cache: resolveHome().cache });
	const folder = options.storeDir ?? (await mkdtemp(join(tmpdir(), "runmesh-nats-")));
	const credentials = options.credentials ?? generateCredentials();
	const serverName = `test-${process.pid}-${Math.random().toString(36).slice(2)}`;
	let port = options.port ?? 0;
	let child: ChildProcess | null = null;

	const end = async (signal: NodeJS.Signals): Promise<void> => {
		const running = child;
		child = null;
		if (!running || running.exitCode !== null || running.signalCode !== null) return;
		const exited = once(running, "exit");
		running.kill(signal);
		await exited;
	};

	const launch = async (): Promise<void> => {
		writeNatsConfig({
			folder,
			host: HOST,
			port,
			serverName,
			credentials,
		});
		child = spawn(binary.path, ["-c", natsConfigPath(folder)], { stdio: ["ignore", "ignore", "pipe"] });
		await started(child, port, serverName);
	};

	for (let tries = 1; ; tries++) {
		// A port that was free a moment ago may be gone: then another.
		if (!options.port) port = (await choosePorts(HOST, { nats: 0 })).ports.nats;
		try {
			await launch();
			break;
		} catch (error) {
			await end("SIGKILL");
			if (options.port || tries === PORT_TRIES) throw error;
		}
	}
	const killAtExit = (): void => void child?.kill("SIGKILL");
	process.once("exit", killAtExit);

	return {
		url: `nats://${HOST}:${port}`,
		port,
		credentials,
		get pid() {
			if (child?.pid === undefined) throw new Error("the test's nats-server does not run");
			return child.pid;
		},
		kill: (signal = "SIGKILL") => end(signal),
		restart: async () => {
			await end("SIGTERM");
			await launch();
		},
		stop: async () => {
			process.off("exit", killAtExit);
			await end("SIGKILL");
			if (!options.storeDir) await rm(folder, { recursive: true, force: true });
		},
	};
};

/** Resolves when it takes clients; rejects with its last words when it ends before. */
const started = async (child: ChildProcess, port: number, serverName: string): Promise<void> => {
	const gone = new AbortController();
	let words = "";
	child.stderr?.on("data", (chunk: Buffer) => {
		words = `${words}${chunk}`.slice(-4096);
	});
	child.once("exit", () => gone.abort());
	child.once("error", () => gone.abort());
	await natsServerReady({ host: HOST, port, serverName }, gone.signal).catch((cause) => {
		throw new Error(`nats-server ended before it was ready: ${words}`, { cause });
	});
};
