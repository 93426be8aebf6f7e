/**
 * Snapshots of the coordinator's state: two in RM_SNAPSHOT, for whoever comes to lead, and the newest on this home's own
 * disk, synced, so that a power cut can't take the beginning of the journal and the snapshot that stands for it at once.
 */

import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { JetStreamClient, ObjectStore } from "nats";
import type { Logger } from "pino";
import { RunmeshError } from "#shared/errors.ts";
import { stores } from "#shared/subjects.ts";
import { NewerSnapshotError } from "../core/snapshot.ts";
import { decodeSnapshot, encodeSnapshot, type Snapshot, type TakenSnapshot } from "./snapshot-file.ts";

export interface Snapshots {
	/** The newest that can be read; null when there is none. */
	load(): Promise<Snapshot | null>;
	/** Written, read again and compared; only then are older ones removed. */
	save(taken: TakenSnapshot): Promise<void>;
	/** Sequences of those in RM_SNAPSHOT, the newest first. */
	kept(): Promise<number[]>;
}

const KEPT = 2;
/** Chunks that are gone are waited for in vain. */
const READ_WITHIN_MS = 30_000;
const NAME = /^journal-(\d+)$/;

export const openSnapshots = async (
	client: JetStreamClient,
	/** Of the one on this home's disk. */
	path: string,
	log: Logger,
): Promise<Snapshots> => {
	const store = await client.views.os(stores.snapshots);

	const kept = async (): Promise<number[]> =>
		(await store.list())
			.filter(({ deleted }) => !deleted)
			.flatMap(({ name }) => NAME.exec(name)?.[1] ?? [])
			.map(Number)
			.sort((a, b) => b - a);

	const load: Snapshots["load"] = async () => {
		const own = await tryToRead(() => readFile(path), path, log);
		for (const sequence of await kept()) {
			if (own && own.sequence >= sequence) break;
			const name = nameOf(sequence);
			const found = await tryToRead(() => readObject(store, name), `${stores.snapshots}/${name}`, log);
			if (found) return found;
		}
		return own;
	};

	const save: Snapshots["save"] = async (taken) => {
		const bytes = await encodeSnapshot(taken);
		await writeSynced(path, bytes);
		const name = nameOf(taken.sequence);
		const digest = createHash("sha256").update(bytes).digest("hex");
		await store.putBlob({ name, metadata: { sequence: String(taken.sequence), sha256: digest } }, bytes);
		const stored = await readObject(store, name);
		if (!stored || createHash("sha256").update(stored).digest("hex") !== digest) {
			throw new Error(`the snapshot ${name} does not read as it was written`);
		}
		for (const old of (await kept()).slice(KEPT)) await store.delete(nameOf(old));
	};

	return { load, save, kept };
};

const nameOf = (sequence: number): string => `journal-${sequence}`;

const readObject = async (store: ObjectStore, name: string): Promise<Uint8Array | null> => {
	const late = new AbortController();
	const timeout = sleep(READ_WITHIN_MS, undefined, { signal: late.signal, ref: false }).then(() => {
		throw new Error(`${name} could not be read within ${READ_WITHIN_MS / 1000} s`);
	});
	timeout.catch(() => undefined);
	try {
		return await Promise.race([store.getBlob(name), timeout]);
	} finally {
		late.abort();
	}
};

/** One that is damaged is told of and passed over: the one before it, or the journal itself, says the same. */
const tryToRead = async (
	read: () => Promise<Uint8Array | null>,
	what: string,
	log: Logger,
): Promise<Snapshot | null> => {
	try {
		const bytes = await read();
		return bytes && (await decodeSnapshot(bytes));
	} catch (error) {
		if (error instanceof NewerSnapshotError) {
			throw new RunmeshError("RM_JOURNAL_INVALID", `${what}: ${error.message}`, {
				hint: "start a release at least as new as the one that wrote it",
			});
		}
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		log.warn({ err: error, what }, "a snapshot can't be read; going on with an older one");
		return null;
	}
};

/** Whole or not at all, whenever the power goes. */
const writeSynced = async (path: string, bytes: Uint8Array): Promise<void> => {
	await mkdir(dirname(path), { recursive: true, mode: 0o700 });
	const staged = `${path}.new`;
	const file = await open(staged, "w", 0o600);
	try {
		await file.writeFile(bytes);
		await file.sync();
	} finally {
		await file.close();
	}
	await rename(staged, path);
	const folder = await open(dirname(path), "r");
	await folder.sync().finally(() => folder.close());
};
