/** Follows one key of a bucket, however often the watch ends or can't be had: the bucket may be made much later. */

import type { KvEntry, NatsConnection } from "nats";
import type { Logger } from "pino";
import { untilItWorks } from "./retry.ts";

export interface KeyWatchOptions {
	nats: NatsConnection;
	bucket: string;
	key: string;
	/** What is done here, for the log. */
	what: string;
	/** One at a time, the present one first; none after the close. */
	onEntry(entry: KvEntry): void | Promise<void>;
	log: Logger;
}

export interface KeyWatch {
	/** Watches anew: a server that started again knows nothing of a watch, which finds out only after some time. */
	renew(): void;
	close(): void;
}

export const watchKey = ({ nats, bucket, key, what, onEntry, log }: KeyWatchOptions): KeyWatch => {
	const closing = new AbortController();
	let stopWatch = (): void => undefined;

	const watch = async (): Promise<never> => {
		const entries = await (await nats.jetstream().views.kv(bucket, { bindOnly: true })).watch({ key });
		stopWatch = () => entries.stop();
		if (closing.signal.aborted) stopWatch();
		for await (const entry of entries) if (!closing.signal.aborted) await onEntry(entry);
		throw new Error("the watch ended");
	};
	// Rejects when it is closed, and then alone.
	untilItWorks(what, watch, { signal: closing.signal, log }).catch(() => undefined);

	return {
		renew: () => stopWatch(),
		close: () => {
			closing.abort();
			stopWatch();
		},
	};
};
