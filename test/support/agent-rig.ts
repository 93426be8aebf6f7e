/**
 * A real agent process with a real nats-server and the coordinator's own gRPC; the test plays the leader: it sends
 * tasks, takes reports, answers heartbeats.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AckPolicy, connect, type NatsConnection, RetentionPolicy, StorageType } from "nats";
import { onTestFinished } from "vitest";
import { attemptPaths } from "#agent/runner/files/paths.ts";
import { readExit, readNamed } from "#agent/runner/files/process-record.ts";
import { type LogStore, openLogStore } from "#coordinator/logs/store.ts";
import { startCoordinatorRpc } from "#coordinator/rpc/server.ts";
import { type BlobStore, openBlobStore } from "#shared/blobs/store.ts";
import { natsAuth, writeCredentials } from "#shared/credentials.ts";
import type { Advert, Heartbeat, Report, StopAttempt, Task } from "#shared/domain.ts";
import { type Home, resolveHome } from "#shared/home.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import { buckets, consumers, streams, subjects } from "#shared/subjects.ts";
import {
	advertCodec,
	controlCodec,
	heartbeatCodec,
	heartbeatReplyCodec,
	reportsCodec,
	taskCodec,
} from "#shared/wire/codec.ts";
import { removeCells } from "./cells.ts";
import { startNatsServer, type TestNatsServer } from "./nats-server.ts";
import { createNews } from "./news.ts";

export type Finished = Extract<Report["body"], { kind: "attemptFinished" }>;

export interface AgentRig {
	readonly home: Home;
	readonly nats: TestNatsServer;
	readonly agentId: AgentId;
	/** The coordinator's blobs: what is put here an agent can fetch. */
	readonly store: BlobStore;
	/** What arrived of the attempts' output. */
	readonly logs: LogStore;
	readonly reports: Report[];
	readonly heartbeats: Heartbeat[];
	/** What the next heartbeats are answered. */
	readonly stop: StopAttempt[];
	/** Added to the agent's environment at its next start. */
	readonly env: Record<string, string>;
	/** Whether finished attempts are settled. */
	settling: boolean;
	/** Whether the next heartbeats are answered with the wish that it goes; one that itself wishes to may. */
	leave: boolean;
	/** Resolves when it is ready. */
	startAgent(...flags: string[]): Promise<ChildProcess>;
	/** The process that runs. */
	agent(): ChildProcess;
	/** Ends it, by SIGKILL unless said otherwise, and waits for its end. */
	endAgent(signal?: NodeJS.Signals): Promise<number | null>;
	send(task: Task): Promise<void>;
	control(stop: StopAttempt[]): void;
	advert(): Promise<Advert | null>;
	started(task: Task): Promise<Report>;
	finished(task: Task): Promise<Finished>;
	declined(task: Task): Promise<string>;
	/** Resolves when it holds; asked again after every report and heartbeat. */
	until(holds: () => boolean): Promise<void>;
	folder(task: Task): string;
	/** Its supervisor's process id. */
	supervisor(task: Task): number;
	/** Whether it has written how the command ended. */
	hasEnded(task: Task): boolean;
}

const agentMain = fileURLToPath(new URL("../../agent/main.ts", import.meta.url));
const EPOCH = 1;

/** All of it goes away when the test ends, the attempts' processes too. */
export const agentRig = async (): Promise<AgentRig> => {
	const root = await mkdtemp(join(tmpdir(), "runmesh-agent-"));
	const home = resolveHome(root);
	const nats = await startNatsServer();
	writeCredentials(home, nats.credentials);
	const connection = await connect({ servers: nats.url, ...natsAuth(nats.credentials), maxReconnectAttempts: -1 });
	await makeStreams(connection);
	const store = await openBlobStore(home.coordinatorBlobs);
	const logs = openLogStore(home.coordinatorLogs);
	const rpc = await startCoordinatorRpc({
		...{ host: "127.0.0.1", port: 0, store, logs },
		...{ credentials: nats.credentials, holderAddress: () => null },
	});
	const agentId = "box" as AgentId;
	const reports: Report[] = [];
	const heartbeats: Heartbeat[] = [];
	const { tell, until } = createNews();
	let agent: ChildProcess | null = null;

	const bodyOf = async <K extends Report["body"]["kind"]>(kind: K, attemptId: AttemptId): Promise<Report> => {
		const find = (): Report | undefined =>
			reports.find(({ body }) => body.kind === kind && body.attempt.attemptId === attemptId);
		await until(() => find() !== undefined);
		return find() as Report;
	};

	const rig: AgentRig = {
		home,
		nats,
		agentId,
		store,
		logs,
		reports,
		heartbeats,
		stop: [],
		env: {},
		settling: true,
		leave: false,
		startAgent: async (...flags) => {
			const args = ["--home", root, "--nats", nats.url, "--coordinator", rpc.address, "--name", agentId];
			const env = { ...process.env, ...rig.env, NODE_COMPILE_CACHE: join(tmpdir(), "runmesh-test-compile") };
			const child = spawn(process.execPath, [agentMain, ...args, "--grpc-port", "0", "--serving-port", "0", ...flags], {
				env,
				stdio: ["ignore", "ignore", "inherit", "ipc"],
			});
			const [message] = await once(child, "message");
			if (message.ready) {
				agent = child;
				return child;
			}
			throw Object.assign(new Error(message.error.message), message.error);
		},
		agent: () => {
			if (!agent) throw new Error("no agent runs");
			return agent;
		},
		endAgent: async (signal = "SIGKILL") => {
			const child = agent;
			agent = null;
			if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
			const exited = once(child, "exit");
			child.kill(signal);
			const [code] = await exited;
			return code;
		},
		send: async (task) => {
			await connection.jetstream().publish(subjects.task(agentId), taskCodec.encode(task));
		},
		control: (stop) => connection.publish(subjects.control(agentId), controlCodec.encode({ leaderEpoch: EPOCH, stop })),
		advert: async () => {
			const entry = await (await connection.jetstream().views.kv(buckets.agents)).get(agentId);
			return entry?.operation === "PUT" ? advertCodec.decode(entry.value) : null;
		},
		started: (task) => bodyOf("attemptStarted", task.attemptId),
		finished: async (task) => (await bodyOf("attemptFinished", task.attemptId)).body as Finished,
		declined: async (task) => {
			const { body } = await bodyOf("attemptDeclined", task.attemptId);
			return body.kind === "attemptDeclined" ? body.reason : "";
		},
		until,
		folder: (task) => join(home.agent, "attempts", task.attemptId),
		supervisor: (task) => readNamed(attemptPaths(join(home.agent, "attempts"), task.attemptId))?.pid ?? 0,
		hasEnded: (task) => readExit(attemptPaths(join(home.agent, "attempts"), task.attemptId)) !== null,
	};

	await lead(connection, rig, tell);
	onTestFinished(async () => {
		await rig.endAgent();
		await endAttempts(join(home.agent, "attempts"));
		await removeCells(home.agent).catch(() => undefined);
		await connection.close();
		await rpc.close();
		logs.close();
		await nats.stop();
		await rm(root, { recursive: true, force: true, maxRetries: 5 });
	});
	return rig;
};

/** Of a test that failed half-way: they would outlive it. */
const endAttempts = async (folder: string): Promise<void> => {
	for (const attempt of await readdir(folder).catch(() => [])) {
		const pid = readNamed(attemptPaths(folder, attempt as AttemptId))?.pid ?? 0;
		try {
			if (pid > 1) process.kill(-pid, "SIGKILL");
		} catch {
			// Gone already.
		}
	}
};

const makeStreams = async (connection: NatsConnection): Promise<void> => {
	const manager = await connection.jetstreamManager();
	for (const [name, subject] of [
		[streams.tasks, subjects.tasks],
		[streams.reports, subjects.reports],
	] as const) {
		await manager.streams.add({
			...{ name, subjects: [subject], retention: RetentionPolicy.Workqueue, storage: StorageType.File },
		});
	}
	await manager.consumers.add(streams.reports, { durable_name: consumers.reports, ack_policy: AckPolicy.Explicit });
	await connection.jetstream().views.kv(buckets.agents);
	await connection.jetstream().views.kv(buckets.serving);
};

const lead = async (connection: NatsConnection, rig: AgentRig, tell: () => void): Promise<void> => {
	const consumer = await connection.jetstream().consumers.get(streams.reports, consumers.reports);
	await consumer.consume({
		callback: (message) => {
			rig.reports.push(...reportsCodec.decode(message.data));
			message.ack();
			tell();
		},
	});
	connection.subscribe(subjects.heartbeats, {
		callback: (_error, message) => {
			const heartbeat = heartbeatCodec.decode(message.data);
			const settled = rig.settling
				? heartbeat.attempts.filter(({ phase }) => phase === "finished").map(({ attemptId }) => attemptId)
				: [];
			const { stop } = rig;
			const leave = rig.leave || (heartbeat.draining && heartbeat.attempts.length === 0);
			message.respond(heartbeatReplyCodec.encode({ leaderEpoch: EPOCH, stop, settled, leave, advertise: false }));
			rig.heartbeats.push(heartbeat);
			tell();
		},
	});
};
