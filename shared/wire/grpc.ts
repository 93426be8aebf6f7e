/** What every gRPC server and client of the mesh shares: channel options, listening, the token, errors as statuses. */

import {
	type ChannelOptions,
	logVerbosity,
	Metadata,
	Server,
	ServerCredentials,
	type ServiceError,
	type StatusObject,
	setLogVerbosity,
	status,
} from "@grpc/grpc-js";
import { type Credentials, isAuthorized } from "../credentials.ts";
import { type ErrorCode, errorTable, RunmeshError, toRunmeshError } from "../errors.ts";

// Whatever it would print comes to us as an error too.
setLogVerbosity(logVerbosity.NONE);

/** Our own code travels beside the gRPC status, which is coarser. */
const CODE_KEY = "runmesh-code";

/** A dead peer is found out in half a minute; a long way still fills the pipe; nothing is sent twice behind our back. */
export const channelOptions: ChannelOptions = {
	"grpc.keepalive_time_ms": 15_000,
	"grpc.keepalive_timeout_ms": 10_000,
	"grpc.enable_retries": 0,
	"grpc.use_local_subchannel_pool": 1,
	"grpc.initial_reconnect_backoff_ms": 200,
	"grpc.max_reconnect_backoff_ms": 5_000,
	"grpc-node.flow_control_window": 8 * 1024 * 1024,
};

export interface RunningServer {
	/** host:port, with the port that port 0 became. */
	address: string;
	close(): Promise<void>;
}

export const hostPort = (host: string, port: number): string =>
	host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** Throws RM_UNAUTHENTICATED unless a call's metadata carries the mesh token. */
export type Authorize = (metadata: Metadata) => void;

export const meshAuthorize =
	(credentials: Credentials): Authorize =>
	(metadata) => {
		const header = metadata.get("authorization")[0];
		if (isAuthorized(typeof header === "string" ? header : undefined, credentials.meshToken)) return;
		throw new RunmeshError("RM_UNAUTHENTICATED", "the call carries no valid mesh token", {
			hint: "the agent and the coordinator must share one RUNMESH_MESH_TOKEN",
		});
	};

export const startGrpcServer = async (
	host: string,
	port: number,
	register: (server: Server) => void,
): Promise<RunningServer> => {
	const server = new Server(channelOptions);
	register(server);
	const bound = await new Promise<number>((resolve, reject) => {
		server.bindAsync(hostPort(host, port), ServerCredentials.createInsecure(), (error, chosen) => {
			if (!error) return resolve(chosen);
			server.forceShutdown();
			// grpc-js gives the system's error as text alone.
			const inUse = error.message.includes("EADDRINUSE");
			reject(toRunmeshError(inUse ? Object.assign(error, { code: "EADDRINUSE", port }) : error));
		});
	});
	return {
		address: hostPort(host, bound),
		close: async () => server.forceShutdown(),
	};
};

/** For a handler's callback or an `error` event of its call. */
export const toStatus = (error: unknown): StatusObject & Error => {
	const known = toRunmeshError(error);
	const metadata = new Metadata();
	metadata.set(CODE_KEY, known.code);
	const code = status[errorTable[known.code].grpc as keyof typeof status];
	return Object.assign(new Error(known.message), { code, details: known.message, metadata });
};

/** The peer's own error where it named one; else RM_UNAVAILABLE, saying who could not be reached. */
export const fromStatus = (error: unknown, peer: string): RunmeshError => {
	if (error instanceof RunmeshError) return error;
	const { metadata, details, message } = error as Partial<ServiceError>;
	const named = metadata?.get(CODE_KEY)[0];
	const code = typeof named === "string" && Object.hasOwn(errorTable, named) ? (named as ErrorCode) : "RM_UNAVAILABLE";
	return new RunmeshError(code, `${peer}: ${details || message || String(error)}`, { cause: error });
};
