/** Starts a whole mesh on this machine: nats-server, coordinator and agents, supervised until it is stopped. */

import { type Credentials, ensureCredentials } from "#shared/credentials.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { readJoined } from "#shared/joined.ts";
import type { Mesh } from "#shared/mesh.ts";
import { type Crew, newCrew } from "./crew.ts";
import { endLeftovers } from "./leftovers.ts";
import { lockHome } from "./lock.ts";
import { removeMesh, writeMesh } from "./mesh-file.ts";
import {
	type AgentReady,
	agentProcess,
	coordinatorProcess,
	NATS_PROCESS,
	natsProcess,
	type Wires,
} from "./mesh-processes.ts";
import { provisionNatsServer } from "./nats-provision.ts";
import { connectHost, defaultMeshOptions, type MeshOptions, type MeshPorts, planPorts } from "./options.ts";
import { reviver } from "./revive.ts";

export interface RunningMesh {
	readonly home: Home;
	/** http://127.0.0.1:7400 */
	readonly url: string;
	/** host:port of the coordinator. */
	readonly grpc: string;
	readonly nats: string;
	readonly credentials: Credentials;
	readonly agents: { name: string; id: string; grpc: string }[];
	/** Name → pid of what runs at this moment. */
	processes(): Record<string, number>;
	/** Agents and coordinator first, then nats-server; resolves when all are gone. */
	stop(): Promise<void>;
	/** At once, without grace. */
	kill(): void;
}

/** Only the home must be given; rejects with everything stopped again when a part does not start. */
export const startMesh = async (given: Partial<MeshOptions> & { home: Home }): Promise<RunningMesh> => {
	const options: MeshOptions = { ...defaultMeshOptions(), ...given };
	const { home } = options;
	refuseJoined(home);
	const lock = lockHome(home);
	const crew = newCrew(options.onEvent);
	// However this process ends, by an exception too, it takes the mesh with it; only SIGKILL it can't see.
	process.once("exit", crew.kill);
	const leave = (): void => {
		process.off("exit", crew.kill);
		removeMesh(home);
		lock.release();
	};
	const stop = async (): Promise<void> => {
		await crew.stop();
		leave();
	};
	const stopEarly = (): void => void crew.stop();
	options.signal.addEventListener("abort", stopEarly);
	try {
		await endLeftovers(home, (what) => options.onEvent({ kind: "ended", what }));
		const credentials = homeCredentials(options);
		const ports = await planPorts(options);
		const wires = await startWires(options, ports, credentials, crew);
		const ready = await startNodes(options, ports, wires, credentials, crew);
		options.signal.throwIfAborted();

		const mesh = { url: ready.url, grpc: ready.grpc, nats: wires.nats };
		const startedAtMs = Date.now();
		const record = (processes: Record<string, number>): Mesh => ({ pid: process.pid, ...mesh, startedAtMs, processes });
		writeMesh(home, record(crew.processes()));
		crew.onChange((processes) => writeMesh(home, record(processes)));
		return {
			home,
			...mesh,
			credentials,
			agents: ready.agents.map(({ agentId, grpc }, index) => ({
				name: ports.agents[index]?.name ?? agentId,
				id: agentId,
				grpc,
			})),
			processes: crew.processes,
			stop,
			kill: () => {
				crew.kill();
				leave();
			},
		};
	} catch (error) {
		await stop();
		if (options.signal.aborted) throw new RunmeshError("RM_UNAVAILABLE", "stopped before the mesh was ready");
		throw error;
	} finally {
		options.signal.removeEventListener("abort", stopEarly);
	}
};

/** Its credentials are another mesh's, and what its agent holds too. */
const refuseJoined = (home: Home): void => {
	const joined = readJoined(home);
	if (!joined) return;
	throw new RunmeshError("RM_CONFLICT", `${home.root} is an agent's of the mesh at ${joined.url}`, {
		hint: "start its agent with `runmesh agent start`, or a mesh of its own in another home: `runmesh up --home <folder>`",
	});
};

/** The home's own. With an existing NATS its user comes from the environment. */
const homeCredentials = ({ home, nats, env }: MeshOptions): Credentials => {
	const { credentials } = ensureCredentials(home);
	if (nats === null) return credentials;
	return {
		...credentials,
		natsUser: env.RUNMESH_NATS_USER || credentials.natsUser,
		natsPassword: env.RUNMESH_NATS_PASSWORD || credentials.natsPassword,
	};
};

const startWires = async (
	options: MeshOptions,
	ports: MeshPorts,
	credentials: Credentials,
	crew: Crew,
): Promise<Wires> => {
	const { home, host, env, onEvent } = options;
	const coordinator = `${connectHost(host)}:${ports.grpc}`;
	if (options.nats !== null || ports.nats === null) return { nats: options.nats ?? "", coordinator };
	const server = await provisionNatsServer({
		cache: home.cache,
		env,
		onFetch: (what) => onEvent({ kind: "fetching", what }),
	});
	await crew.add(natsProcess(options, server, ports.nats, credentials), "wire").ready;
	return { nats: `nats://${connectHost(host)}:${ports.nats}`, coordinator };
};

const startNodes = async (
	options: MeshOptions,
	ports: MeshPorts,
	wires: Wires,
	credentials: Credentials,
	crew: Crew,
): Promise<{ url: string; grpc: string; agents: AgentReady[] }> => {
	const onMessage = reviver(options.home.root, () => crew.find(NATS_PROCESS), options.onEvent);
	const coordinator = crew.add(coordinatorProcess(options, ports, wires, credentials, onMessage), "node");
	const agents = ports.agents.map((plan, index) =>
		crew.add(agentProcess(options, plan, index, wires, credentials), "node"),
	);
	const [{ url, grpc }, ...ready] = await Promise.all([
		coordinator.ready,
		...agents.map((agent) => agent.ready),
	] as const);
	return { url, grpc, agents: ready };
};
