/** Who has an artifact's bytes: the agents that hold it, by the address in their adverts, and the coordinator. */

import type { NatsConnection } from "nats";
import { type ConnectedBlobSource, connectBlobSource } from "#shared/blobs/client.ts";
import type { BlobSource } from "#shared/blobs/transfer.ts";
import type { Credentials } from "#shared/credentials.ts";
import type { ArtifactRef } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { buckets } from "#shared/subjects.ts";
import { advertCodec } from "#shared/wire/codec.ts";

export interface Peers {
	/** Holders first; the coordinator last, which can ask those that we can't reach. */
	sourcesOf(ref: ArtifactRef): Promise<BlobSource[]>;
	close(): void;
}

export interface PeersOptions {
	/** null while there is no connection yet. */
	nats(): NatsConnection | null;
	agentId: AgentId;
	/** host:port of its gRPC, wherever it may be. */
	coordinators(): string[];
	credentials: Credentials;
}

const COORDINATOR = "coordinator";
const HOLDERS_ASKED = 4;
const CONNECTIONS_LIMIT = 32;

export const createPeers = ({ nats, agentId, coordinators, credentials }: PeersOptions): Peers => {
	/** By address, the longest unused first. */
	const connections = new Map<string, ConnectedBlobSource>();

	const sourceAt = (name: string, address: string): BlobSource => {
		const known = connections.get(address) ?? connectBlobSource(name, address, credentials);
		connections.delete(address);
		connections.set(address, known);
		if (connections.size > CONNECTIONS_LIMIT) {
			const [oldest, source] = connections.entries().next().value as [string, ConnectedBlobSource];
			connections.delete(oldest);
			source.close();
		}
		return known;
	};

	/** null when it is gone or can't be reached directly. */
	const holderSource = async (holder: string): Promise<BlobSource | null> => {
		const bucket = await nats()?.jetstream().views.kv(buckets.agents, { bindOnly: true });
		const entry = await bucket?.get(holder);
		if (entry?.operation !== "PUT") return null;
		const address = advertCodec.decode(entry.value).endpoints?.grpc;
		return address ? sourceAt(holder, address) : null;
	};

	return {
		sourcesOf: async (ref) => {
			const holders = ref.holders.filter((holder) => holder !== COORDINATOR && holder !== agentId);
			const found = await Promise.all(
				holders.slice(0, HOLDERS_ASKED).map((holder) => holderSource(holder).catch(() => null)),
			);
			const asked = coordinators().map((address) => sourceAt(COORDINATOR, address));
			return [...found.filter((source) => source !== null), ...asked];
		},
		close: () => {
			for (const source of connections.values()) source.close();
			connections.clear();
		},
	};
};
