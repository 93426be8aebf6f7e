/** What a coordinator is started with, resolved once: flags, then environment, then defaults. */

import { parseArgs } from "node:util";
import { RunmeshError } from "#shared/errors.ts";
import { type Home, resolveHome } from "#shared/home.ts";
import { parseBytes } from "#shared/pipeline/units.ts";
import { reachableHost } from "#shared/reachable-host.ts";

export interface CoordinatorOptions {
	home: Home;
	/** nats://host:port, several separated by commas. */
	nats: string;
	/** Address to listen on. */
	host: string;
	/** What agents and standbys are told to reach it at. */
	advertise: string;
	/** 0 takes any free port. */
	httpPort: number;
	grpcPort: number;
	/** Copies of each stream: 1 embedded, 3 clustered. */
	replicas: number;
	/** An agent not heard for this long has lost its attempts. */
	leaseMs: number;
	/** Runs that ended longer ago than this are forgotten, */
	historyDays: number;
	/** and the oldest ones when what is kept of them takes more than this. */
	historyBytes: number;
}

export const resolveCoordinatorOptions = (argv: string[], env: NodeJS.ProcessEnv): Readonly<CoordinatorOptions> => {
	const { values } = parseArgs({
		args: argv,
		strict: true,
		options: {
			home: { type: "string" },
			nats: { type: "string" },
			host: { type: "string" },
			advertise: { type: "string" },
			"http-port": { type: "string" },
			"grpc-port": { type: "string" },
			replicas: { type: "string" },
			"lease-ms": { type: "string" },
			"history-days": { type: "string" },
			"history-bytes": { type: "string" },
		},
	});
	const host = values.host ?? env.RUNMESH_HOST ?? "127.0.0.1";
	return Object.freeze({
		home: values.home ? resolveHome(values.home) : resolveHome(),
		nats: values.nats ?? env.RUNMESH_NATS ?? "nats://127.0.0.1:4222",
		host,
		advertise: values.advertise ?? env.RUNMESH_ADVERTISE ?? reachableHost(host),
		httpPort: integer("--http-port", values["http-port"] ?? env.RUNMESH_HTTP_PORT, 7400, 0, 65_535),
		grpcPort: integer("--grpc-port", values["grpc-port"] ?? env.RUNMESH_GRPC_PORT, 7401, 0, 65_535),
		replicas: integer("--replicas", values.replicas ?? env.RUNMESH_REPLICAS, 1, 1, 5),
		leaseMs: integer("--lease-ms", values["lease-ms"] ?? env.RUNMESH_LEASE_MS, 30_000, 1_000, 86_400_000),
		historyDays: integer("--history-days", values["history-days"] ?? env.RUNMESH_HISTORY_DAYS, 90, 0, 36_500),
		historyBytes: bytes("--history-bytes", values["history-bytes"] ?? env.RUNMESH_HISTORY_BYTES, "4GiB"),
	});
};

const integer = (name: string, text: string | undefined, fallback: number, min: number, max: number): number => {
	if (text === undefined) return fallback;
	const value = Number(text);
	if (Number.isInteger(value) && value >= min && value <= max) return value;
	throw new RunmeshError("RM_BAD_INPUT", `${name} is ${text}: an integer from ${min} to ${max} is expected`);
};

const bytes = (name: string, text: string | undefined, fallback: string): number => {
	const value = parseBytes(text ?? fallback);
	if (value !== null) return value;
	throw new RunmeshError("RM_BAD_INPUT", `${name} is ${text}: a size is expected`, {
		hint: "write it as 4GiB or 500Mi",
	});
};
