/** The agent's own gRPC port: its blobs, for other agents and the coordinator. */

import { blobHandlers } from "#shared/blobs/service.ts";
import type { BlobStore } from "#shared/blobs/store.ts";
import type { Credentials } from "#shared/credentials.ts";
import { meshAuthorize, type RunningServer, startGrpcServer } from "#shared/wire/grpc.ts";
import { BlobService } from "#shared/wire/services.ts";

export interface AgentRpcOptions {
	host: string;
	/** 0 takes any free one. */
	port: number;
	store: BlobStore;
	credentials: Credentials;
}

export const startAgentRpc = ({ host, port, store, credentials }: AgentRpcOptions): Promise<RunningServer> =>
	startGrpcServer(host, port, (server) => {
		server.addService(BlobService.service, blobHandlers(store, { authorize: meshAuthorize(credentials) }));
	});
