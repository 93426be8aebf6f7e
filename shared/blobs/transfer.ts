/** Brings an artifact here from whoever holds it: resumed at the byte where a source broke off, verified, no source trusted. */

import { setTimeout as delay } from "node:timers/promises";
import type { ArtifactRef } from "../domain.ts";
import { RunmeshError } from "../errors.ts";
import type { Digest } from "../ids.ts";
import { forEachBounded } from "./bounded.ts";
import { MAX_MANIFEST_BYTES } from "./manifest.ts";
import type { BlobStore } from "./store.ts";
import { readManifest } from "./tree.ts";

export interface BlobSource {
	/** For messages. */
	name: string;
	read(digest: Digest, offset: number, length: number, more?: ReadMore): AsyncIterable<Uint8Array>;
}

interface ReadMore {
	/** Agents that may hold the blob, for a source that must ask further. */
	holders?: string[];
	signal?: AbortSignal | undefined;
}

export interface BlobRequest extends ReadMore {
	digest: Digest;
	/** null when not known beforehand. */
	sizeBytes: number | null;
	maxBytes: number;
}

const BLOBS_AT_ONCE = 4;
/** Times in a row that a source may fail without giving a byte. */
const MAX_FRUITLESS = 3;
const FIRST_PAUSE_MS = 200;

/** Manifest and every blob that is missing; RM_UNAVAILABLE names each source and its error. */
export const fetchArtifact = async (
	store: BlobStore,
	ref: ArtifactRef,
	sources: BlobSource[],
	signal?: AbortSignal,
): Promise<void> => {
	const more = { holders: ref.holders, signal };
	await fetchBlob(store, { digest: ref.digest, sizeBytes: null, maxBytes: MAX_MANIFEST_BYTES, ...more }, sources);
	const { entries } = await readManifest(store, ref.digest);
	const sizes = new Map(entries.flatMap(({ digest, sizeBytes }) => (digest === "" ? [] : [[digest, sizeBytes]])));
	await forEachBounded([...sizes], BLOBS_AT_ONCE, ([digest, sizeBytes]) =>
		fetchBlob(store, { digest, sizeBytes, maxBytes: sizeBytes, ...more }, sources),
	);
};

/** One blob, unless it is here. Several who ask for the same at once cause one transfer. */
export const fetchBlob = async (store: BlobStore, request: BlobRequest, sources: BlobSource[]): Promise<void> => {
	const { digest, signal } = request;
	for (;;) {
		signal?.throwIfAborted();
		if ((await store.sizeOf(digest)) !== null) return;
		const underWay = transfersOf(store).get(digest);
		if (!underWay) break;
		// Should it fail, this caller tries for itself.
		await underWay.catch(() => undefined);
	}
	const transfer = transferBlob(store, request, sources);
	transfersOf(store).set(digest, transfer);
	try {
		await transfer;
	} finally {
		transfersOf(store).delete(digest);
	}
};

const allTransfers = new WeakMap<BlobStore, Map<Digest, Promise<void>>>();

const transfersOf = (store: BlobStore): Map<Digest, Promise<void>> => {
	const known = allTransfers.get(store) ?? new Map<Digest, Promise<void>>();
	allTransfers.set(store, known);
	return known;
};

/**
 * Bytes of several sources may end up in one blob; when its digest is wrong, one of them lied. A lone one is then
 * left out; several are tried again each by itself.
 */
const transferBlob = async (store: BlobStore, request: BlobRequest, sources: BlobSource[]): Promise<void> => {
	const problems = new Map<string, string>();
	const groups = [sources];
	for (let group = groups.shift(); group; group = groups.shift()) {
		const given = new Set<BlobSource>();
		try {
			await store.writeFetched(readResuming(request, group, given, problems), request.digest, request.maxBytes);
			return;
		} catch (error) {
			request.signal?.throwIfAborted();
			if (error === exhausted) continue;
			if (!isLie(error)) throw error;
			const others = group.filter((source) => !given.has(source));
			if (given.size > 1) groups.push(...[...given].map((source) => [source]));
			else for (const { name } of given) problems.set(name, "sent bytes that do not match the digest");
			if (others.length > 0) groups.push(others);
		}
	}
	const told = [...problems].map(([name, problem]) => `${name}: ${problem}`).join("; ");
	throw new RunmeshError("RM_UNAVAILABLE", `nobody could give ${request.digest} (${told || "no source is known"})`, {
		hint: "it is tried again when a holder comes back; otherwise the step that made it must run again",
	});
};

const isLie = (error: unknown): boolean =>
	error instanceof RunmeshError && (error.code === "RM_BLOB_CORRUPT" || error.code === "RM_TOO_LARGE");

/** Thrown inside this file alone: every source of a group gave up. */
const exhausted = new Error("no source left");

async function* readResuming(
	{ digest, sizeBytes, ...more }: BlobRequest,
	sources: BlobSource[],
	given: Set<BlobSource>,
	problems: Map<string, string>,
): AsyncGenerator<Uint8Array> {
	let offset = 0;
	const fruitless = new Map(sources.map((source) => [source, 0]));
	for (let pauseMs = 0; fruitless.size > 0; pauseMs = Math.max(FIRST_PAUSE_MS, pauseMs * 2)) {
		if (pauseMs > 0) await delay(pauseMs, undefined, { signal: more.signal });
		for (const [source, failures] of fruitless) {
			const start = offset;
			try {
				for await (const bytes of source.read(digest, offset, 0, more)) {
					given.add(source);
					offset += bytes.length;
					yield bytes;
					more.signal?.throwIfAborted();
				}
				if (sizeBytes === null || offset >= sizeBytes) {
					given.add(source);
					return;
				}
				throw new Error(`ended after ${offset} of ${sizeBytes} bytes`);
			} catch (error) {
				more.signal?.throwIfAborted();
				problems.set(source.name, error instanceof Error ? error.message : String(error));
				const lacksIt = error instanceof RunmeshError && error.code === "RM_NOT_FOUND";
				if (offset > start) {
					fruitless.set(source, 0);
					pauseMs = 0;
				} else if (lacksIt || failures + 1 >= MAX_FRUITLESS) fruitless.delete(source);
				else fruitless.set(source, failures + 1);
			}
		}
	}
	throw exhausted;
}
