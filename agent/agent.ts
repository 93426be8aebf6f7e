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
import { handle } from "./core/core.ts";
import type { Input } from "./core/inputs.ts";
import { createState } from "./core/state.ts";
import { firstFingerprint, withDetails, withGpus } from "./fingerprint/fingerprint.ts";
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
import { createRunner } from "./runner/runner.ts";
import { createServingHost } from "./serving-host.ts";

export interface RunningAgent {
	agentId: AgentId;
	/** host:port for peers. */
	grpc: string;
	/** Rejects when another agent of this id lives, and this one must end. */
	usurped: Promise<never>;
	/** Tells the mesh what it must know and lets go; attempts run on. */
	close(): Promise<void>;
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
	const state = createState(agentId, capacityOf(offer.fingerprint, options));
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
		hostHasGpus: () => offer.fingerprint.gpus.length > 0,
		onInput: (input) => dispatch(input),
		warn,
	});

	const execute = (command: Command): void => {
		if (command.kind === "acknowledge") mesh?.acknowledge(command.delivery);
		else if (command.kind !== "report") runner.execute(command);
		else if (mesh) mesh.report(command.report);
		else early.push(command.report);
	};

	/** A command may answer at once: inputs wait until what came before them is done. */
	const waiting: Input[] = [];
	let dispatching = false;
	const dispatch = (input: Input): void => {
		if (closed) return;
		if (input.kind !== "heartbeatReplied") idleMemory.touch();
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
	};

	/** GPUs first: what is recovered or comes new may hold one. */
	const recover = async (): Promise<void> => {
		offer.fingerprint = await withGpus(offer.fingerprint);
		dispatch({ kind: "capacityKnown", capacity: capacityOf(offer.fingerprint, options) });
		dispatch(await runner.recover());
	};
	const recovered = recover();
	const offline = setTimeout(async () => {
		const last = await lastDesiredServing(`${folder}/serving.bin`);
		if (last && !nats) serving.reconcile(last);
	}, OFFLINE_AFTER_MS);

	nats = await connecting;
	clearTimeout(offline);
	const claim = await claimAgentId(nats, agentId, folder);
	const joining = joinMesh({ nats, agentId, options, coordinator, offer, state, serving, recovered, dispatch, log });
	mesh = joining.link;
	for (const report of early.splice(0)) mesh.report(report);
	await joining.joined;
	void recovered
		.then(() => withDetails(offer.fingerprint, folder))
		.then((fingerprint) => {
			offer.fingerprint = fingerprint;
			mesh?.advertise();
		});

	return {
		agentId,
		grpc,
		usurped: claim.lost,
		close: async () => {
			dispatch({ kind: "drainAsked" });
			await mesh?.leave();
			claim.release();
			closed = true;
			idleMemory.close();
			runner.close();
			logs.close();
			peers.close();
			await Promise.all([serving.close(), rpc.close(), nats?.close()]);
			lock.release();
		},
	};
};
