/** Which blobs are not in the store: a few look-ups at a time, each digest once. */

import { forEachBounded } from "#shared/blobs/bounded.ts";
import type { BlobStore } from "#shared/blobs/store.ts";
import type { Digest } from "#shared/ids.ts";

const LOOKUPS_AT_ONCE = 16;

export const missingBlobs = async (blobs: BlobStore, digests: Iterable<Digest>): Promise<Digest[]> => {
	const missing: Digest[] = [];
	await forEachBounded([...new Set(digests)], LOOKUPS_AT_ONCE, async (digest) => {
		if ((await blobs.sizeOf(digest)) === null) missing.push(digest);
	});
	return missing;
};
