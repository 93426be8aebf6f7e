/** What the coordinator opens around its core: the read store, logs, blobs, and the two ports they are reached on. */

import type { EventEmitter } from "node:events";
import type { Logger } from "pino";
import { type BlobStore, openBlobStore } from "#shared/blobs/store.ts";
import { fetchBlob } from "#shared/blobs/transfer.ts";
import type { Credentials } from "#shared/credentials.ts";
import type { AgentId } from "#shared/ids.ts";
import { advertisedGrpc } from "./advertised.ts";
import type { Commands } from "./commands.ts";
import { keepHistory } from "./history.ts";
import type { Resumed } from "./journal/resume.ts";
import { openLogStore } from "./logs/store.ts";
import type { CoordinatorOptions } from "./options.ts";
import { openReadSide, type ReadSide } from "./read-side.ts";
import { agentViews } from "./registry/view.ts";
import { createHolderSources, startCoordinatorRpc } from "./rpc/server.ts";
import type { ReadStore } from "./store/store.ts";

export interface Shells {
	store: ReadStore;
	readSide: ReadSide;
	blobs: BlobStore;
	/** Listens, now that there is something to answer. */
	open(commands: Commands, ready: () => boolean): Promise<{ url: string; grpc: string }>;
}

const BLOB_MAX_BYTES = 64 * 1024 ** 3;

export const startShells = async (
	options: CoordinatorOptions,
	credentials: Credentials,
	{ state, standing, firstSequence }: Resumed,
	committed: EventEmitter,
	log: Logger,
): Promise<Shells> => {
	const { home, host } = options;
	const { store, readSide } = openReadSide(home.readStore, firstSequence, standing, log, () =>
		committed.emit("committed"),
	);
	const blobs = await openBlobStore(home.coordinatorBlobs);
	const logs = openLogStore(home.coordinatorLogs, {
		onMetrics: (attemptId, points) => store.addMetricPoints(attemptId, points),
	});
	const { historyDays, historyBytes } = options;
	keepHistory(store, logs, { historyDays, historyBytes, logs: home.coordinatorLogs, nowMs: Date.now }, log);
	const holderAddress = (id: AgentId): string | null => state.agents.get(id)?.advert?.endpoints?.grpc || null;
	const holders = createHolderSources(credentials, holderAddress);

	const open: Shells["open"] = async (commands, ready) => {
		const [{ startHttp }, rpc] = await Promise.all([
			import("./http/server.ts"),
			startCoordinatorRpc({ host, port: options.grpcPort, store: blobs, logs, credentials, holderAddress }),
		]);
		const http = await startHttp({
			host,
			port: options.httpPort,
			credentials,
			store,
			logs,
			blobs,
			commands,
			agents: () => agentViews(state),
			joinGrant: () => ({
				nats: options.nats.split(","),
				coordinator: advertisedGrpc(options.advertise, rpc.address),
				credentials,
			}),
			fetchBlob: (digest, agentIds) =>
				fetchBlob(blobs, { digest, sizeBytes: null, maxBytes: BLOB_MAX_BYTES }, holders.sources(agentIds)),
			committed,
			ready,
			log,
		});
		return { url: http.url, grpc: rpc.address };
	};

	return { store, blobs, readSide, open };
};
