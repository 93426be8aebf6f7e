/** The coordinator's gRPC port: blobs, its own and those it fetches from agents, and the logs that agents push. */

import { type ConnectedBlobSource, connectBlobSource } from "#shared/blobs/client.ts";
import { blobHandlers } from "#shared/blobs/service.ts";
import type { BlobStore } from "#shared/blobs/store.ts";
import type { Credentials } from "#shared/credentials.ts";
import type { AgentId } from "#shared/ids.ts";
import { meshAuthorize, type RunningServer, startGrpcServer } from "#shared/wire/grpc.ts";
import { BlobService, LogService } from "#shared/wire/services.ts";
import type { LogStore } from "../logs/store.ts";
import { logHandlers } from "./log-service.ts";

export interface CoordinatorRpcOptions {
	host: string;
	/** 0 takes any free one. */
	port: number;
	store: BlobStore;
	logs: LogStore;
	credentials: Credentials;
	/** host:port of an agent's gRPC; null when it has none that can be reached. */
	holderAddress: (agentId: AgentId) => string | null;
}

export const startCoordinatorRpc = async (options: CoordinatorRpcOptions): Promise<RunningServer> => {
	const { host, port, store, logs, credentials, holderAddress } = options;
	const authorize = meshAuthorize(credentials);
	const holders = createHolderSources(credentials, holderAddress);
	const server = await startGrpcServer(host, port, (grpc) => {
		grpc.addService(
			BlobService.service,
			blobHandlers(store, { authorize, fallback: async (_digest, agentIds) => holders.sources(agentIds) }),
		);
		grpc.addService(LogService.service, logHandlers(logs, authorize));
	});
	return {
		address: server.address,
		close: async () => {
			await server.close();
			holders.close();
		},
	};
};

export interface HolderSources {
	/** Of those that have an address now, in the order given. */
	sources(agentIds: readonly string[]): ConnectedBlobSource[];
	close(): void;
}

/** One connection to each agent, made anew when its address changes. */
export const createHolderSources = (
	credentials: Credentials,
	holderAddress: CoordinatorRpcOptions["holderAddress"],
): HolderSources => {
	const connected = new Map<string, { address: string; source: ConnectedBlobSource }>();
	const connect = (agentId: string): ConnectedBlobSource | null => {
		const address = holderAddress(agentId as AgentId);
		if (address === null) return null;
		const known = connected.get(agentId);
		if (known?.address === address) return known.source;
		known?.source.close();
		const source = connectBlobSource(agentId, address, credentials);
		connected.set(agentId, { address, source });
		return source;
	};
	return {
		sources: (agentIds) => agentIds.map(connect).filter((source) => source !== null),
		close: () => {
			for (const { source } of connected.values()) source.close();
			connected.clear();
		},
	};
};
