/** Keeps this agent's advert in rm_agents: put at the start, after every change and every reconnection. */

import type { NatsConnection } from "nats";
import type { Logger } from "pino";
import type { Advert } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { buckets } from "#shared/subjects.ts";
import { advertCodec } from "#shared/wire/codec.ts";
import { untilItWorks } from "./retry.ts";

export interface Advertiser {
	/** Resolves when an advert at least as new as this call is stored. */
	put(): Promise<void>;
	close(): void;
}

export const createAdvertiser = (
	nats: NatsConnection,
	agentId: AgentId,
	build: () => Advert,
	log: Logger,
): Advertiser => {
	const closing = new AbortController();
	let last: Promise<void> = Promise.resolve();
	/** Waits behind the one under way, and will hold everything that changed until then. */
	let next: Promise<void> | null = null;

	const putOnce = async (): Promise<void> => {
		const bucket = await nats.jetstream().views.kv(buckets.agents, { bindOnly: true });
		await bucket.put(agentId, advertCodec.encode(build()));
	};

	const put = (): Promise<void> => {
		next ??= last.then(() => {
			next = null;
			last = untilItWorks("advertising this agent", putOnce, { signal: closing.signal, log });
			last = last.catch(() => undefined);
			return last;
		});
		return next;
	};

	return { put, close: () => closing.abort() };
};
