/** The cache is emptied again and again while attempts bring their inputs: none of them notices. */

import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bring } from "#agent/runner/setup/prepare.ts";
import { openBlobStore } from "#shared/blobs/store.ts";
import { captureTree } from "#shared/blobs/tree.ts";
import { noise, tempDir } from "#test/support/data-plane.ts";

const FILES = 12;
const ATTEMPTS = 12;

test("what is brought comes whole, whatever goes meanwhile", async () => {
	const [root, here, targets] = [await tempDir(), await tempDir(), await tempDir()];
	for (let index = 0; index < FILES; index++) await writeFile(join(root, `f${index}`), noise(2_000, index));
	const origin = await openBlobStore(await tempDir());
	const ref = await captureTree(origin, root, "data", "elsewhere");
	const store = await openBlobStore(here);
	const source = { name: "origin", read: origin.read };
	const tools = { store, sourcesOf: async () => [source], readsShow: async () => false };

	let over = false;
	const evicting = (async () => {
		while (!over) await store.fetched.evict(Number.POSITIVE_INFINITY, () => false);
	})();
	const attempts = Array.from({ length: ATTEMPTS }, async (_, attempt) => {
		const target = join(targets, String(attempt));
		for (let round = 0; round < 3; round++) {
			await bring(ref, "the input", join(target, String(round)), tools, new AbortController().signal);
			expect(await readdir(join(target, String(round)))).toHaveLength(FILES);
		}
	});
	await Promise.all(attempts);
	over = true;
	await evicting;
	await store.fetched.evict(Number.POSITIVE_INFINITY, () => false);
	const left = await readdir(store.fetched.folder, { recursive: true, withFileTypes: true });
	expect(left.filter((item) => item.isFile())).toEqual([]);
});
