/**
 * Where the coordinator's gRPC port is: where the leader says it is, else where this agent was told at its start. One
 * that can't be reached from here is left for the other, in turn.
 */

import type { KvEntry, NatsConnection } from "nats";
import type { Logger } from "pino";
import { buckets, leaderKey } from "#shared/subjects.ts";
import { type KeyWatch, watchKey } from "./watch-key.ts";

export interface CoordinatorAddress {
	/** host:port to dial now. */
	current(): string;
	/** All there are, the likeliest first. */
	all(): string[];
	/** Nobody answered there: the next one. */
	missed(address: string): void;
	/** The leader says that it is here. */
	announced(address: string): void;
}

/** `onMoved` hears when the leader is found elsewhere than before. */
export const coordinatorAddress = (given: string, onMoved: () => void): CoordinatorAddress => {
	let addresses = [given];
	return {
		current: () => addresses[0] ?? given,
		all: () => [...addresses],
		missed: (address) => {
			if (addresses[0] === address) addresses = [...addresses.slice(1), address];
		},
		announced: (address) => {
			const isElsewhere = addresses[0] !== address;
			addresses = [...new Set([address, given])];
			if (isElsewhere) onMoved();
		},
	};
};

/** Tells of every leader, the present one first. */
export const watchLeader = (nats: NatsConnection, address: CoordinatorAddress, log: Logger): KeyWatch => {
	let last = "";
	const onEntry = ({ operation, value }: KvEntry): void => {
		const found = operation === "PUT" ? readAddress(value) : "";
		// A lease is renewed every few seconds, and says the same.
		if (found === "" || found === last) return;
		last = found;
		address.announced(found);
		log.info({ coordinator: found }, "a coordinator leads");
	};
	return watchKey({ nats, bucket: buckets.leader, key: leaderKey, what: "watching who leads", onEntry, log });
};

/** "" for a leader that does not answer yet, and for one that can't be understood. */
const readAddress = (value: Uint8Array): string => {
	try {
		const { grpc } = JSON.parse(Buffer.from(value).toString("utf8")) as { grpc?: unknown };
		return typeof grpc === "string" && /^.+:\d{1,5}$/.test(grpc) ? grpc : "";
	} catch {
		return "";
	}
};
