/** How each process of a mesh is started: command, arguments, environment, and what it says when ready. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { type Credentials, writeCredentials } from "#shared/credentials.ts";
import { type Home, resolveHome } from "#shared/home.ts";
import { natsConfigPath, writeNatsConfig } from "./nats-config.ts";
import type { NatsServer } from "./nats-provision.ts";
import { natsServerReady } from "./nats-ready.ts";
import { type AgentPlan, connectHost, type MeshOptions } from "./options.ts";
import { leanMalloc, nodeFlags } from "./programs.ts";
import type { ProcessSpec } from "./supervise.ts";

/** What it reports, and to whom, is its crew's affair. */
export type MeshProcess<Ready> = Omit<ProcessSpec<Ready>, "onEvent">;

const coordinatorReady = z.object({ ready: z.literal(true), url: z.string(), grpc: z.string() });
const agentReady = z.object({ ready: z.literal(true), agentId: z.string(), grpc: z.string() });

export type CoordinatorReady = z.infer<typeof coordinatorReady>;
export type AgentReady = z.infer<typeof agentReady>;

const log = (home: Home, name: string): string => join(home.logs, `${name}.log`);

export const NATS_PROCESS = "nats-server";

export const natsProcess = (
	options: MeshOptions,
	server: NatsServer,
	port: number,
	credentials: Credentials,
): MeshProcess<void> => {
	const { home, host, env } = options;
	const serverName = `runmesh-${createHash("sha256").update(home.root).digest("hex").slice(0, 12)}`;
	writeNatsConfig({ folder: home.nats, host, port, serverName, credentials });
	return {
		name: NATS_PROCESS,
		command: server.path,
		args: ["-c", natsConfigPath(home.nats)],
		env,
		logPath: log(home, "nats-server"),
		ready: { probe: (signal) => natsServerReady({ host: connectHost(host), port, serverName }, signal) },
	};
};

const nodeProcess = <Ready>(
	options: MeshOptions,
	name: string,
	program: string,
	args: Record<string, string | number>,
	message: z.ZodType<Ready>,
	credentials: Credentials,
): MeshProcess<Ready> => ({
	name,
	command: process.execPath,
	args: [...nodeFlags, program, ...Object.entries(args).flatMap(([flag, value]) => [`--${flag}`, String(value)])],
	env: childEnv(options, credentials),
	logPath: log(options.home, name),
	ready: { message },
});

/** The home's credentials hold: a token in the user's environment may be another mesh's. */
const childEnv = ({ env, home, nats }: MeshOptions, credentials: Credentials): NodeJS.ProcessEnv => {
	const { RUNMESH_TOKEN: _, RUNMESH_INFERENCE_TOKEN: _i, RUNMESH_MESH_TOKEN: _m, ...others } = env;
	const { RUNMESH_NATS_USER: _u, RUNMESH_NATS_PASSWORD: _p, ...rest } = others;
	return {
		NODE_COMPILE_CACHE: join(home.cache, "compile"),
		...leanMalloc,
		...rest,
		...(nats === null
			? {}
			: { RUNMESH_NATS_USER: credentials.natsUser, RUNMESH_NATS_PASSWORD: credentials.natsPassword }),
	};
};

export interface Wires {
	nats: string;
	/** host:port of the coordinator's gRPC. */
	coordinator: string;
}

export const coordinatorProcess = (
	options: MeshOptions,
	ports: { http: number; grpc: number },
	wires: Wires,
	credentials: Credentials,
	onMessage: (message: unknown) => void,
): MeshProcess<CoordinatorReady> => {
	const { home, host } = options;
	const args = { home: home.root, nats: wires.nats, host, "http-port": ports.http, "grpc-port": ports.grpc };
	const { coordinator } = options.programs;
	return { ...nodeProcess(options, "coordinator", coordinator, args, coordinatorReady, credentials), onMessage };
};

/** The first agent lives in the mesh's home; each further one has a folder of its own, with the same credentials. */
export const agentProcess = (
	options: MeshOptions,
	plan: AgentPlan,
	index: number,
	wires: Wires,
	credentials: Credentials,
): MeshProcess<AgentReady> => {
	const { home, host } = options;
	const agentHome = index === 0 ? home : resolveHome(join(home.root, "agents", plan.name));
	if (index > 0) writeCredentials(agentHome, credentials);
	const args = {
		home: agentHome.root,
		nats: wires.nats,
		coordinator: wires.coordinator,
		name: plan.name,
		host,
		"grpc-port": plan.grpcPort,
		"serving-port": plan.servingPort,
	};
	const name = index === 0 ? "agent" : `agent-${index + 1}`;
	return nodeProcess(options, name, options.programs.agent, args, agentReady, credentials);
};
