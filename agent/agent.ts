/** One agent: the core in the middle, this machine (runner, blobs, serving) on one side, the mesh on the other. */

import { mkdirSync } from "node:fs";
import type { NatsConnection } from "nats";
import type { Logger } from "pino";
import { openBlobStore } from "#shared/blobs/store.ts";
import { fetchArtifact } from "#shared/blobs/transfer.ts";
import { monotonicClock } from "#shared/clock.ts";
import type { Credentials } from "#shared/credentials.ts";
import type { Report } from "#shared/domain.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import { lockFolder } from "#shared/lock.ts";
import { startAgentRpc } from "./blobs/server.ts";
import type { Command } from "./core/commands.ts";
import { handle } from "./core/core.ts";
import type { Input } from "./core/inputs.ts";
import { createState } from "./core/state.ts";
import { firstFingerprint } from "./fingerprint/fingerprint.ts";
import { createAgentGpus } from "./gpus.ts";
import { watchHost } from "./host.ts";
import { agentIdentity } from "./identity.ts";
import { trimWhenIdle } from "./idle-memory.ts";
import { claimAgentId } from "./link/agent-id.ts";
import { connectNats } from "./link/connection.ts";
import { lastDesiredServing } from "./link/desired-serving.ts";
import { coordinatorAddress } from "./link/leader.ts";
import { createPeers } from "./link/peers.ts";
import { logProblems } from "./logs/problems.ts";
import { createLogShipper } from "./logs/shipper.ts";
import { joinMesh, type MeshLink } from "./mesh-link.ts";
import { capacityOf, dialable, type Offer } from "./offer.ts";
import type { AgentOptions } from "./options.ts";
import type { Others } from "./outside/others.ts";
import { type OutsideWatch, watchOutside } from "./outside/watch.ts";
import { watchOwner } from "./owner/watch.ts";
import { createRunner } from "./runner/runner.ts";
import { createServingHost } from "./serving-host.ts";
import { watchStay } from "./stay.ts";
import { watchUsable } from "./usable.ts";

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
	let closed = false;

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
		devicesFor: (gpuIds, task) => gpus.devicesFor(gpuIds, task),
		examineDevices: (gpuIds) => gpus.examine(gpuIds),
		limits: options.limits,
		maxProcesses: options.maxProcesses,
		deviceUse: (attemptId) => gpus.usageOf(attemptId),
		containerEngine: options.containerEngine,
		environmentTimeoutMs: options.environmentTimeout,
		environmentsMaxBytes: options.environmentsMax,
		passEnv: options.passEnv,
		onInput: (input) => dispatch(input),
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
			dispatch({ kind: "drainAsked" });
			mesh?.beat();
		},
		clock: monotonicClock,
	});

	/** A command may answer at once: inputs wait until what came before them is done. */
	const waiting: Input[] = [];
	let dispatching = false;
	const dispatch = (input: Input): void => {
		if (closed) return;
		if (input.kind !== "heartbeatReplied" && input.kind !== "usableKnown") idleMemory.touch();
		waiting.push(input);
		if (dispatching) return;
		dispatching = true;
		try {
			for (let next = waiting.shift(); next; next = waiting.shift()) {
				for (const command of handle(state, next, monotonicClock.nowMs())) execute(command);
			}
		} finally {
			dispatching = false;
		}
		if (mesh) stay.look();
		if (input.kind === "closedChanged") mesh?.beat();
	};

	const usable = watchUsable(
		() => capacityOf(offer.fingerprint, options),
		(now, isUrgent) => {
			dispatch({ kind: "usableKnown", usable: now });
			if (isUrgent) mesh?.beat();
		},
	);
	const owner = watchOwner({
		terms: options.owner,
		onChange: (reason) => dispatch({ kind: "closedChanged", by: "owner", reason, running: options.owner.onClose }),
	});
	let outside: OutsideWatch | null = null;

	const gpus = createAgentGpus({
		...{ options, folder, state, dispatch, warn },
		fingerprint: () => offer.fingerprint,
		onLeft: (devices) => options.others === "subtract" && usable.set({ devices }),
		learn: (finding) => host.learn(finding),
		lookAgain: () => host.lookAtGpus(),
		nowMs: () => monotonicClock.nowMs(),
	});
	const host = watchHost({
		...{ folder, options, state, dispatch },
		fetched: store.fetched,
		gpuProbe: gpus.probe,
		known: () => offer.fingerprint,
		onChange: (fingerprint) => {
			offer.fingerprint = fingerprint;
			dispatch({ kind: "capacityKnown", capacity: capacityOf(fingerprint, options) });
			usable.refresh();
			mesh?.advertise();
		},
		onDiskUsable: (diskBytes) => usable.set({ diskBytes }),
	});

	const others = {
		isHere: (attemptId: AttemptId) => state.attempts.has(attemptId),
		onLook: (used: Others) => usable.set({ others: used }),
	};

	/** GPUs first: what is recovered or comes new may hold one. */
	const recover = async (): Promise<void> => {
		await Promise.all([host.ready, owner.ready]);
		dispatch(await runner.recover());
		await host.keepDisk(runner.relieveDisk);
		await gpus.firstLook();
		// Only now is it known which attempts are our own.
		if (!closed && options.others === "subtract") outside = watchOutside({ ...others, clock: monotonicClock, warn });
	};
	const recovered = recover();
	const offline = setTimeout(async () => {
		const last = await lastDesiredServing(`${folder}/serving.bin`);
		if (last && !nats) serving.reconcile(last);
	}, OFFLINE_AFTER_MS);

	nats = await connecting;
	clearTimeout(offline);
	const claim = await claimAgentId(nats, agentId, folder);
	const parts = { options, offer, state, usable: usable.current, serving, recovered };
	const joining = joinMesh({ nats, agentId, coordinator, ...parts, dispatch, log });
	mesh = joining.link;
	for (const report of early.splice(0)) mesh.report(report);
	await joining.joined;
	void recovered.then(() => host.lookCloser());

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
			closed = true;
			idleMemory.close();
			host.close();
			gpus.close();
			owner.close();
			outside?.close();
			runner.close();
			logs.close();
			peers.close();
			await Promise.all([serving.close(), rpc.close(), nats?.close()]);
			lock.release();
		},
	};
};
