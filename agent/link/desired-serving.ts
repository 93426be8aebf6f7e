/**
 * Follows what this agent is to serve: its key of rm_serving. The last state is kept on disk, so that an agent that
 * starts where neither coordinator nor NATS can be reached goes on serving.
 */

import { readFile, rename, writeFile } from "node:fs/promises";
import type { KvEntry, NatsConnection } from "nats";
import type { Logger } from "pino";
import type { DesiredServing } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { buckets } from "#shared/subjects.ts";
import { desiredServingCodec } from "#shared/wire/codec.ts";
import { type KeyWatch, watchKey } from "./watch-key.ts";

export interface DesiredServingOptions {
	nats: NatsConnection;
	agentId: AgentId;
	/** Of the last known state. */
	path: string;
	onDesired(desired: DesiredServing): void;
	log: Logger;
}

export const followDesiredServing = (options: DesiredServingOptions): KeyWatch => {
	const { nats, agentId, path, onDesired, log } = options;
	let newest = { revision: 0, atMs: 0 };

	/** By time, not by revision: those begin anew with a bucket that was made again. */
	const onEntry = async ({ operation, revision, value, created }: KvEntry): Promise<void> => {
		const atMs = created.getTime();
		if (revision === newest.revision || atMs < newest.atMs) return;
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

	return watchKey({ nats, bucket: buckets.serving, key: agentId, what: "watching what to serve", onEntry, log });
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
