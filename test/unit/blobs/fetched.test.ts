/** What was fetched from others is a cache: it may go, least recently used first, but nothing that somebody uses. */

import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { type BlobStore, openBlobStore } from "#shared/blobs/store.ts";
import type { Digest } from "#shared/ids.ts";
import { codeOf, digestOf, noise, tempDir } from "#test/support/data-plane.ts";

const nobody = (): boolean => false;
const SIZE = 8_192;

const opened = async (): Promise<{ dir: string; store: BlobStore; fetch(seed: number): Promise<Digest> }> => {
	const dir = await tempDir();
	const store = await openBlobStore(dir);
	const fetch = async (seed: number): Promise<Digest> => {
		const bytes = noise(SIZE, seed);
		const digest = digestOf(bytes);
		await store.writeFetched(Readable.from([bytes]), digest, SIZE);
		return digest;
	};
	return { dir, store, fetch };
};

const pathIn = (dir: string, digest: Digest): string => join(dir, "fetched", digest.slice(7, 9), digest.slice(7));
const usedAt = (dir: string, digest: Digest, seconds: number): Promise<void> =>
	utimes(pathIn(dir, digest), seconds, seconds);

test("a fetched blob is a blob like any other, in a place of its own", async () => {
	const { dir, store, fetch } = await opened();
	const digest = await fetch(1);
	expect(await readdir(join(dir, "sha256"))).toEqual([]);
	expect(await store.sizeOf(digest)).toBe(SIZE);
	expect((await buffer(store.read(digest, 10, 20))).equals(noise(SIZE, 1).subarray(10, 30))).toBe(true);
	await store.placeAt(digest, join(dir, "placed"), false);
	const again = await openBlobStore(dir);
	expect(await again.sizeOf(digest)).toBe(SIZE);
});

test("the least recently used go first, as many as it takes", async () => {
	const { dir, store, fetch } = await opened();
	const [a, b, c] = [await fetch(1), await fetch(2), await fetch(3)];
	for (const [index, digest] of [b, c, a].entries()) await usedAt(dir, digest, 1_000 + index);
	// Used again: now the youngest.
	await store.placeAt(b, join(dir, "placed"), false);
	await expect.poll(async () => (await openBlobStore(dir)) && (await store.fetched.evict(1, nobody))).toBe(SIZE);
	expect(await Promise.all([a, b, c].map((digest) => store.sizeOf(digest)))).toEqual([SIZE, SIZE, null]);
	expect(await codeOf(() => buffer(store.read(c)))).toBe("RM_NOT_FOUND");
	expect(await codeOf(() => store.placeAt(c, join(dir, "placed"), false))).toBe("RM_NOT_FOUND");
	expect(await store.fetched.evict(10 * SIZE, nobody)).toBe(2 * SIZE);
});

test("what was made here stays, though it was fetched before", async () => {
	const { store, fetch } = await opened();
	const digest = await fetch(1);
	const made = await store.write(Readable.from([noise(SIZE, 2)]));
	await store.write(Readable.from([noise(SIZE, 1)]));
	await store.fetched.evict(Number.POSITIVE_INFINITY, nobody);
	expect(await store.sizeOf(digest)).toBe(SIZE);
	expect(await store.sizeOf(made.digest)).toBe(SIZE);
});

test("what is needed stays, and what was used or fetched since somebody holds on", async () => {
	const { store, fetch } = await opened();
	const [needed, used, idle] = [await fetch(1), await fetch(2), await fetch(3)];
	const letGo = store.fetched.holdOn();
	await store.sizeOf(used);
	const letGoLater = store.fetched.holdOn();
	const late = await fetch(4);
	const evict = (): Promise<number> => store.fetched.evict(Number.POSITIVE_INFINITY, (digest) => digest === needed);
	await evict();
	const here = async (): Promise<(number | null)[]> =>
		Promise.all([needed, used, idle, late].map((digest) => store.sizeOf(digest)));
	expect(await here()).toEqual([SIZE, SIZE, null, SIZE]);
	letGo();
	letGoLater();
	await evict();
	expect(await here()).toEqual([SIZE, null, null, null]);
});
