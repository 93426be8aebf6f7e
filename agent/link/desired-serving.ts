/**
 * Follows what this agent is to serve: its key of rm_serving. The last state is kept on disk, so that an agent that
 * starts where neither coordinator nor NATS can be reached goes on serving.
 */

import { readFile, rename, writeFile } from "node:fs/promises";
import type { KV, KvEntry, NatsConnection } from "nats";
import type { Logger } from "pino";
import type { DesiredServing } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { buckets } from "#shared/subjects.ts";
import { desiredServingCodec } from "#shared/wire/codec.ts";
import { untilItWorks } from "./retry.ts";

export interface DesiredServingOptions {
	nats: NatsConnection;
	agentId: AgentId;
	/** Of the last known state. */
	path: string;
	onDesired(desired: DesiredServing): void;
	log: Logger;
}

export interface DesiredServingFeed {
	/** Watches anew: a server that started again knows nothing of a watch, which finds out only after some time. */
	renew(): void;
	close(): void;
}

export const followDesiredServing = (options: DesiredServingOptions): DesiredServingFeed => {
	const { nats, agentId, path, onDesired, log } = options;
	const closing = new AbortController();
	let newest = { revision: 0, atMs: 0 };
	let stopWatch = (): void => undefined;

	/** By time, not by revision: those begin anew with a bucket that was made again. */
	const take = async ({ operation, revision, value, created }: KvEntry): Promise<void> => {
		const atMs = created.getTime();
		if (revision === newest.revision || atMs < newest.atMs || closing.signal.aborted) return;
		newest = { revision, atMs };
		const bytes = operation === "PUT" ? value : new Uint8Array();
		try {
			onDesired(desiredServingCodec.decode(bytes));
		} catch (error) {
			log.error({ err: error }, "a desired serving state that can't be read was passed over");
			return;
		}
		await remember(path, bytes).catch((error) => log.warn({ err: error }, `${path} could not be written`));
	};

	const bucket = (): Promise<KV> => nats.jetstream().views.kv(buckets.serving, { bindOnly: true });

	const watch = async (): Promise<void> => {
		const entries = await (await bucket()).watch({ key: agentId });
		stopWatch = () => entries.stop();
		if (closing.signal.aborted) stopWatch();
		for await (const entry of entries) await take(entry);
		if (!closing.signal.aborted) throw new Error("the watch ended");
	};

	const loop = async (): Promise<void> => {
		while (!closing.signal.aborted && !nats.isClosed()) {
			await untilItWorks("watching what to serve", watch, { signal: closing.signal, log }).catch(() => undefined);
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

/** null when none was ever kept. */
export const lastDesiredServing = async (path: string): Promise<DesiredServing | null> => {
	try {
		return desiredServingCodec.decode(await readFile(path));
	} catch {
		return null;
	}
};

const remember = async (path: string, bytes: Uint8Array): Promise<void> => {
	await writeFile(`${path}.new`, bytes, { mode: 0o600 });
	await rename(`${path}.new`, path);
};
