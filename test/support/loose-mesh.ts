/**
 * A mesh without a supervisor: a nats-server, coordinators and agents, each a process that the test starts, kills,
 * pauses and starts again. All are gone in the end.
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { onTestFinished } from "vitest";
import { type ApiClient, createApiClient } from "#cli/lib/client.ts";
import { choosePorts } from "#cli/up/free-ports.ts";
import { nodePrograms } from "#cli/up/programs.ts";
import { writeCredentials } from "#shared/credentials.ts";
import { type Home, resolveHome } from "#shared/home.ts";
import { submit as submitPipeline } from "../../bench/harness.ts";
import { homeEnv } from "./command-line.ts";
import { startNatsServer, type TestNatsServer } from "./nats-server.ts";
import { newPlace, type Place } from "./real-mesh.ts";

/** Does it when the test's time is over. */
export type AtEnd = (end: () => void | Promise<void>) => void;

export interface MeshNode {
	/** Resolves with the line of its log that says so, the first or one that comes. */
	logged(message: string): Promise<Record<string, unknown>>;
	/** Its process does nothing from now on, and its connections stay. */
	pause(): void;
	resume(): void;
	/** Resolves when it is gone. */
	kill(): Promise<void>;
	/** Resolves when it is gone, by whomever. */
	readonly gone: Promise<void>;
}

export interface Coordinator extends MeshNode {
	readonly client: ApiClient;
	readonly home: Home;
	/** host:port for logs. */
	readonly grpc: string;
}

export interface AgentWires {
	/** host:port of what stands for nats-server. */
	nats?: string;
	/** host:port of what stands for the coordinator's gRPC. */
	coordinator: string;
}

export interface LooseMesh extends Place {
	readonly nats: TestNatsServer;
	/** Starts the one of that name, again on its home and ports. Resolves when it leads, or stands by. */
	coordinator(name: string, wires?: { nats?: string }): Promise<Coordinator>;
	/** Starts the one of that name, again on its home. Resolves when it has joined. */
	agent(name: string, wires: AgentWires): Promise<MeshNode>;
}

/** More than one heartbeat of an agent, on a busy machine too. */
export const LEASE_MS = 6_000;

/** `atEnd` is the test's own, where tests run side by side. */
export const startLooseMesh = async (atEnd: AtEnd = onTestFinished): Promise<LooseMesh> => {
	const place = newPlace(atEnd);
	const nats = await startNatsServer({ storeDir: join(place.folder, "nats") });
	atEnd(() => nats.stop());
	const portsOf = new Map<string, { http: number; grpc: number }>();
	const homeOf = (name: string) => {
		const home = resolveHome(join(place.folder, name));
		writeCredentials(home, nats.credentials);
		return home;
	};
	const natsUrl = ({ nats: address }: { nats?: string }): string => (address ? `nats://${address}` : nats.url);
	return {
		...place,
		nats,
		coordinator: async (name, wires = {}) => {
			const home = homeOf(name);
			const ports = portsOf.get(name) ?? (await choosePorts("127.0.0.1", { http: 0, grpc: 0 })).ports;
			portsOf.set(name, ports);
			const args = ["--home", home.root, "--nats", natsUrl(wires), "--lease-ms", String(LEASE_MS)];
			args.push("--http-port", String(ports.http), "--grpc-port", String(ports.grpc));
			const { node, ready } = startNode(nodePrograms.coordinator, args, home.root, atEnd);
			await ready;
			const url = `http://127.0.0.1:${ports.http}`;
			const client = createApiClient({ url, token: nats.credentials.apiToken });
			return { ...node, client, home, grpc: `127.0.0.1:${ports.grpc}` };
		},
		agent: async (name, wires) => {
			const home = homeOf(name);
			const args = ["--home", home.root, "--name", name, "--cpu", "4", "--memory", "1Gi"];
			args.push("--nats", natsUrl(wires), "--coordinator", wires.coordinator);
			args.push("--grpc-port", "0", "--serving-port", "0");
			const { node, ready } = startNode(nodePrograms.agent, args, home.root, atEnd);
			await ready;
			return node;
		},
	};
};

interface Started {
	node: MeshNode;
	ready: Promise<void>;
}

const startNode = (program: string, args: string[], home: string, atEnd: AtEnd): Started => {
	const child = fork(program, args, {
		env: homeEnv(home),
		execArgv: ["--disable-warning=ExperimentalWarning"],
		stdio: ["ignore", "ignore", "pipe", "ipc"],
	});
	const gone = once(child, "close").then(() => undefined);
	atEnd(async () => {
		child.kill("SIGCONT");
		child.kill("SIGTERM");
		await gone;
	});
	const log = readLog(child.stderr as Readable);
	const node: MeshNode = {
		logged: (message) =>
			Promise.race([
				log.line(message),
				gone.then(() => Promise.reject(new Error(`it ended without "${message}":\n${log.text()}`))),
			]),
		pause: () => void child.kill("SIGSTOP"),
		resume: () => void child.kill("SIGCONT"),
		kill: async () => {
			child.kill("SIGKILL");
			await gone;
		},
		gone,
	};
	const ready = Promise.race([
		once(child, "message").then(([message]: { ready?: true; error?: { message: string } }[]) => {
			if (!message?.ready) throw new Error(`it did not start: ${message?.error?.message}`);
		}),
		gone.then(() => Promise.reject(new Error(`it ended before it was ready:\n${log.text()}`))),
	]);
	return { node, ready };
};

interface LogReader {
	text(): string;
	line(message: string): Promise<Record<string, unknown>>;
}

const readLog = (stderr: Readable): LogReader => {
	let text = "";
	stderr.on("data", (chunk: Buffer) => {
		text += chunk;
	});
	const find = (message: string): Record<string, unknown> | undefined =>
		text
			.split("\n")
			.slice(0, -1)
			.filter((line) => line.startsWith("{"))
			.map((line) => JSON.parse(line) as Record<string, unknown>)
			.find(({ msg }) => String(msg).includes(message));
	return {
		text: () => text,
		line: async (message) => {
			for (;;) {
				const found = find(message);
				if (found) return found;
				await once(stderr, "data");
			}
		},
	};
};

/** Submits it with nothing but the file itself; returns the run's id. */
export const submit = async (client: ApiClient, pipeline: string, submissionId?: string): Promise<string> =>
	(await submitPipeline(client, pipeline, submissionId)).id;
