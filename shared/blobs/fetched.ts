/**
 * Blobs that were fetched from others, who have them still: a cache, in a folder of its own beside what was made here.
 * A file's time of change tells when it was last used. What is used while somebody holds on stays.
 */

import { readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../ids.ts";

export interface FetchedBlobs {
	readonly folder: string;
	/** The least recently used go first, until so many bytes are gone or none is left that may go; how many went. */
	evict(bytes: number, isNeeded: (digest: Digest) => boolean): Promise<number>;
	/** Until it is called again, nothing goes that is used from now on. */
	holdOn(): () => void;
}

/** One that was used a moment ago need not be marked again. */
const MARK_AFTER_MS = 60_000;

export interface FetchedTree extends FetchedBlobs {
	/** Before anybody looks whether it is there: if it is going just now, that has to be waited for. */
	use(digest: Digest): Promise<void> | undefined;
	/** It is there, and is used. */
	mark(path: string, modifiedAtMs: number): void;
}

/** `folder` holds `ab/<hex>`. */
export const openFetchedTree = (folder: string): FetchedTree => {
	/** Used while somebody holds on, and when, counted in uses. */
	const used = new Map<Digest, number>();
	const holders = new Set<{ since: number }>();
	const going = new Map<Digest, Promise<void>>();
	let uses = 0;

	const isHeld = (digest: Digest): boolean => {
		const use = used.get(digest);
		if (use === undefined) return false;
		for (const { since } of holders) if (use > since) return true;
		return false;
	};

	return {
		folder,
		use: (digest) => {
			if (holders.size > 0) used.set(digest, ++uses);
			return going.get(digest);
		},
		mark: (path, modifiedAtMs) => {
			const nowMs = Date.now();
			// What can't be marked goes sooner, no more.
			if (Math.abs(nowMs - modifiedAtMs) > MARK_AFTER_MS)
				utimes(path, nowMs / 1000, nowMs / 1000).catch(() => undefined);
		},
		holdOn: () => {
			const holder = { since: uses };
			holders.add(holder);
			return () => {
				holders.delete(holder);
				if (holders.size === 0) used.clear();
			};
		},
		evict: async (bytes, isNeeded) => {
			let gone = 0;
			const found = await list(folder);
			for (const { hex, sizeBytes } of found.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
				if (gone >= bytes) break;
				const digest = `sha256:${hex}` as Digest;
				if (isNeeded(digest) || isHeld(digest)) continue;
				const removal = rm(join(folder, hex.slice(0, 2), hex), { force: true });
				going.set(digest, removal);
				await removal.finally(() => going.delete(digest));
				gone += sizeBytes;
			}
			return gone;
		},
	};
};

interface Fetched {
	hex: string;
	/** On the disk. */
	sizeBytes: number;
	usedAtMs: number;
}

const list = async (folder: string): Promise<Fetched[]> => {
	const found: Fetched[] = [];
	for (const shard of await readdir(folder).catch(() => [])) {
		for (const hex of await readdir(join(folder, shard)).catch(() => [])) {
			const file = await stat(join(folder, shard, hex)).catch(() => null);
			if (file?.isFile()) found.push({ hex, sizeBytes: file.blocks * 512, usedAtMs: file.mtimeMs });
		}
	}
	return found;
};
