/** What `up` may be told, its defaults, and the ports that come of it. */

import { hostname } from "node:os";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { isName } from "#shared/ids.ts";
import { choosePorts } from "./free-ports.ts";
import { type NodePrograms, nodePrograms } from "./programs.ts";
import type { ProcessEvent } from "./supervise.ts";

export interface MeshOptions {
	home: Home;
	/** What every process listens on. */
	host: string;
	/** 0 takes any free port; so do the agents after the first. */
	httpPort: number;
	grpcPort: number;
	natsPort: number;
	agentGrpcPort: number;
	servingPort: number;
	/** An existing NATS to use; null starts an embedded nats-server. */
	nats: string | null;
	/** How many agents run on this machine; 0 for the coordinator alone. */
	agents: number;
	/** The first agent's; the others are `<name>-2` and so on. */
	agentName: string;
	/** What the nodes run. */
	programs: NodePrograms;
	env: NodeJS.ProcessEnv;
	onEvent: (event: MeshEvent) => void;
	/** Aborted, a start stops and takes everything with it. */
	signal: AbortSignal;
}

export type MeshEvent =
	| ProcessEvent
	| { kind: "fetching"; what: string }
	| { kind: "ended"; what: string }
	| { kind: "restarting"; name: string; why: string }
	| { kind: "diskFull"; path: string };

/** The home has no default here: it is named by who starts the mesh. */
export const defaultMeshOptions = (): Omit<MeshOptions, "home"> => ({
	host: "127.0.0.1",
	httpPort: 7400,
	grpcPort: 7401,
	natsPort: 4222,
	agentGrpcPort: 7402,
	servingPort: 8000,
	nats: null,
	agents: 1,
	agentName: hostAgentName(),
	programs: nodePrograms,
	env: process.env,
	onEvent: () => undefined,
	signal: new AbortController().signal,
});

/** The host's name where it is one for an agent, with what a name may not hold replaced. */
export const hostAgentName = (): string => {
	const name = hostname()
		.replace(/[^A-Za-z0-9_-]+/g, "-")
		.replace(/^[^A-Za-z0-9]+/, "")
		.slice(0, 48);
	return isName(name) ? name : "local";
};

export interface AgentPlan {
	name: string;
	grpcPort: number;
	servingPort: number;
}

export interface MeshPorts {
	http: number;
	grpc: number;
	/** null with an existing NATS. */
	nats: number | null;
	agents: AgentPlan[];
}

const flags: Record<string, string> = {
	http: "--http-port",
	grpc: "--grpc-port",
	nats: "--nats-port",
	"agent-grpc-1": "--agent-grpc-port",
	"serving-1": "--serving-port",
};

/** Concrete ports, known before any process starts; RM_PORT_IN_USE names all that are taken. */
export const planPorts = async (options: MeshOptions): Promise<MeshPorts> => {
	const wanted: Record<string, number> = { http: options.httpPort, grpc: options.grpcPort };
	if (options.nats === null) wanted.nats = options.natsPort;
	for (let number = 1; number <= options.agents; number++) {
		wanted[`agent-grpc-${number}`] = number === 1 ? options.agentGrpcPort : 0;
		wanted[`serving-${number}`] = number === 1 ? options.servingPort : 0;
	}
	const { ports, taken } = await choosePorts(options.host, wanted);
	if (taken.length > 0) {
		const which = taken.map(({ name, port, reason }) => `port ${port} (${flags[name] ?? name}) is ${reason}`);
		const instead = taken.map(({ name }) => `${flags[name] ?? name} 0`).join(" ");
		throw new RunmeshError("RM_PORT_IN_USE", `${which.join("; ")} on ${options.host}`, {
			hint: `stop what listens there, or take any free port: runmesh up ${instead}`,
			details: { ports: taken },
		});
	}
	const port = (name: string): number => ports[name] ?? 0;
	return {
		http: port("http"),
		grpc: port("grpc"),
		nats: options.nats === null ? port("nats") : null,
		agents: Array.from({ length: options.agents }, (_, index) => ({
			name: index === 0 ? options.agentName : `${options.agentName}-${index + 1}`,
			grpcPort: port(`agent-grpc-${index + 1}`),
			servingPort: port(`serving-${index + 1}`),
		})),
	};
};

/** Where a client on this machine finds what listens on `host`. */
export const connectHost = (host: string): string => {
	if (host === "0.0.0.0") return "127.0.0.1";
	if (host === "::") return "[::1]";
	return host.includes(":") ? `[${host}]` : host;
};
