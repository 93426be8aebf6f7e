/** One agent: the core in the middle, this machine (runner, blobs, serving) on one side, the mesh on the other. */

import { mkdirSync } from "node:fs";
import type { NatsConnection } from "nats";
import type { Logger } from "pino";
import { openBlobStore } from "#shared/blobs/store.ts";
import { fetchArtifact } from "#shared/blobs/transfer.ts";
import { monotonicClock } from "#shared/clock.ts";
import type { Credentials } from "#shared/credentials.ts";
import type { Report } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { lockFolder } from "#shared/lock.ts";
import { startAgentRpc } from "./blobs/server.ts";
import type { Command } from "./core/commands.ts";
import { createState } from "./core/state.ts";
import { createCoreLoop } from "./core-loop.ts";
import { firstFingerprint } from "./fingerprint/fingerprint.ts";
import { agentIdentity } from "./identity.ts";
import { trimWhenIdle } from "./idle-memory.ts";
import { claimAgentId } from "./link/agent-id.ts";
import { connectNats } from "./link/connection.ts";
import { lastDesiredServing } from "./link/desired-serving.ts";
import { coordinatorAddress } from "./link/leader.ts";
import { createPeers } from "./link/peers.ts";
import { logProblems } from "./logs/problems.ts";
import { createLogShipper } from "./logs/shipper.ts";
import { watchMachine } from "./machine.ts";
import { joinMesh, type MeshLink } from "./mesh-link.ts";
import { capacityOf, dialable, type Offer } from "./offer.ts";
import type { AgentOptions } from "./options.ts";
import { createRunner } from "./runner/runner.ts";
import { createServingHost } from "./serving-host.ts";
import { watchStay } from "./stay.ts";

export interface RunningAgent {
	agentId: AgentId;
	/** host:port for peers. */
	grpc: string;
	/** Rejects when another agent of this id lives, and this one must end. */
	usurped: Promise<never>;
	/** Resolves, with the reason, when it is time to leave the mesh for good. */
	stayOver: Promise<string>;
	/** Tells the mesh what it must know and lets go; attempts run on. */
	close(forGood?: boolean): Promise<void>;
}

/** Of one attempt's stdout and stderr. */
const LOG_LIMIT_BYTES = 256 * 1024 ** 2;
/** So long an agent that starts waits for NATS before it serves what it served last. */
const OFFLINE_AFTER_MS = 5_000;

/** Resolves when the agent is connected, advertised and, if a leader is there, heard. */
export const startAgent = async (
	options: AgentOptions,
	credentials: Credentials,
	log: Logger,
): Promise<RunningAgent> => {
	const folder = options.home.agent;
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	const lock = lockFolder(folder, "agent");
	const agentId = agentIdentity(folder, options.name);
	const warn = (message: string, error: unknown): void => log.warn({ err: error }, message);

	const connecting = connectNats({ servers: options.nats, credentials, agentId, home: options.home, log });
	const store = await openBlobStore(`${folder}/blobs`);
	const rpc = await startAgentRpc({ host: options.host, port: options.grpcPort, store, credentials });
	const grpc = dialable(options.advertise, rpc.address);

	const offer: Offer = { fingerprint: firstFingerprint(), grpc };
	const state = createState(agentId, capacityOf(offer.fingerprint, options), options);
	let nats: NatsConnection | null = null;
	let mesh: MeshLink | null = null;
	/** Made before there was a connection. */
	const early: Report[] = [];

	const idleMemory = trimWhenIdle(() => [...state.attempts.values()].every(({ phase }) => phase === "finished"));
	const coordinator = coordinatorAddress(options.coordinator, () => logs.reconnect());
	const peers = createPeers({ nats: () => nats, agentId, coordinators: coordinator.all, credentials });
	const logs = createLogShipper({
		address: coordinator.current,
		onMissed: coordinator.missed,
		credentials,
		limitBytes: LOG_LIMIT_BYTES,
		clock: monotonicClock,
		onProblem: logProblems(options.home, log),
	});
	const serving = createServingHost({
		dataDir: `${folder}/serving`,
		host: options.host,
		advertise: options.advertise,
		port: options.servingPort,
		token: credentials.inferenceToken,
		store,
		fetch: async (ref) => fetchArtifact(store, ref, await peers.sourcesOf(ref)),
		onChange: () => mesh?.advertise(),
		log,
	});
	const runner = createRunner({
		agentId,
		folder,
		store,
		logs,
		clock: monotonicClock,
		sourcesOf: peers.sourcesOf,
		devicesFor: (gpuIds, task) => machine.gpus.devicesFor(gpuIds, task),
		examineDevices: (gpuIds) => machine.gpus.examine(gpuIds),
		limits: options.limits,
		maxProcesses: options.maxProcesses,
		deviceUse: (attemptId) => machine.gpus.usageOf(attemptId),
		containerEngine: options.containerEngine,
		environmentTimeoutMs: options.environmentTimeout,
		environmentsMaxBytes: options.environmentsMax,
		passEnv: options.passEnv,
		onInput: (input) => core.dispatch(input),
		warn,
	});

	offer.fingerprint = { ...offer.fingerprint, limits: { ...runner.limits } };

	const execute = (command: Command): void => {
		if (command.kind === "acknowledge") mesh?.acknowledge(command.delivery);
		else if (command.kind !== "report") runner.execute(command);
		else if (mesh) mesh.report(command.report);
		else early.push(command.report);
	};

	const stay = watchStay({
		state,
		idleExitMs: options.idleExit,
		isServing: () => serving.statuses().length > 0,
		onWish: (reason) => {
			log.info(`drains, to leave the mesh: ${reason}`);
			core.dispatch({ kind: "drainAsked" });
			mesh?.beat();
		},
		clock: monotonicClock,
	});

	const core = createCoreLoop({
		state,
		nowMs: () => monotonicClock.nowMs(),
		onInput: ({ kind }) => {
			if (kind !== "heartbeatReplied" && kind !== "usableKnown") idleMemory.touch();
		},
		execute,
		onDone: ({ kind }) => {
			if (mesh) stay.look();
			if (kind === "closedChanged") mesh?.beat();
		},
	});
	const { dispatch } = core;

	const machine = watchMachine({
		...{ options, folder, state, offer, dispatch, warn },
		fetched: store.fetched,
		clock: monotonicClock,
		onOffer: () => mesh?.advertise(),
		onUrgent: () => mesh?.beat(),
	});

	/** GPUs first: what is recovered or comes new may hold one. */
	const recover = async (): Promise<void> => {
		await machine.ready;
		dispatch(await runner.recover());
		await machine.watchAttempts(runner.relieveDisk);
	};
	const recovered = recover();
	const offline = setTimeout(async () => {
		const last = await lastDesiredServing(`${folder}/serving.bin`);
		if (last && !nats) serving.reconcile(last);
	}, OFFLINE_AFTER_MS);

	nats = await connecting;
	clearTimeout(offline);
	const claim = await claimAgentId(nats, agentId, folder);
	const parts = { options, offer, state, usable: machine.usable, serving, recovered };
	const joining = joinMesh({ nats, agentId, coordinator, ...parts, dispatch, log });
	mesh = joining.link;
	for (const report of early.splice(0)) mesh.report(report);
	await joining.joined;
	void recovered.then(() => machine.lookCloser());

	return {
		agentId,
		grpc,
		usurped: claim.lost,
		stayOver: stay.over,
		close: async (forGood = false) => {
			stay.close();
			dispatch({ kind: "drainAsked" });
			await mesh?.leave(forGood);
			claim.release();
			core.close();
			idleMemory.close();
			machine.close();
			runner.close();
			logs.close();
			peers.close();
			await Promise.all([serving.close(), rpc.close(), nats?.close()]);
			lock.release();
		},
	};
};
