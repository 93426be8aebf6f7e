/**
 * Where the coordinator's gRPC port is: where the leader says it is, else where this agent was told at its start. One
 * that can't be reached from here is left for the other, in turn.
 */

import type { NatsConnection } from "nats";
import type { Logger } from "pino";
import { buckets, leaderKey } from "#shared/subjects.ts";
import { untilItWorks } from "./retry.ts";

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

export interface LeaderWatch {
	/** Watches anew: a server that started again knows nothing of a watch, which finds out only after some time. */
	renew(): void;
	close(): void;
}

/** Tells of every leader, the present one first. */
export const watchLeader = (nats: NatsConnection, address: CoordinatorAddress, log: Logger): LeaderWatch => {
	const closing = new AbortController();
	let stopWatch = (): void => undefined;
	let last = "";

	const watch = async (): Promise<void> => {
		const bucket = await nats.jetstream().views.kv(buckets.leader, { bindOnly: true });
		const entries = await bucket.watch({ key: leaderKey });
		stopWatch = () => entries.stop();
		if (closing.signal.aborted) stopWatch();
		for await (const { operation, value } of entries) {
			const found = operation === "PUT" ? readAddress(value) : "";
			// A lease is renewed every few seconds, and says the same.
			if (found === "" || found === last) continue;
			last = found;
			address.announced(found);
			log.info({ coordinator: found }, "a coordinator leads");
		}
		if (!closing.signal.aborted) throw new Error("the watch ended");
	};

	const loop = async (): Promise<void> => {
		while (!closing.signal.aborted && !nats.isClosed()) {
			await untilItWorks("watching who leads", watch, { signal: closing.signal, log }).catch(() => undefined);
		}
	};
	void loop();

	return {
		renew: () => stopWatch(),
		close: () => {
			closing.abort();
			stopWatch();
		},
	};
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
