/** Brings an artifact from the coordinator to a folder: by its manifest, each blob checked, no path leading outside. */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ArtifactView } from "#shared/api.ts";
import { openBlobStore } from "#shared/blobs/store.ts";
import { type BlobSource, fetchArtifact } from "#shared/blobs/transfer.ts";
import { materialiseTree, readManifest } from "#shared/blobs/tree.ts";
import { RunmeshError } from "#shared/errors.ts";
import { isName } from "#shared/ids.ts";
import { didYouMean } from "#shared/pipeline/near.ts";
import type { ApiClient } from "./client.ts";

export interface Download {
	artifact: ArtifactView;
	/** The file, or the folder that its files are in. */
	path: string;
}

const nameOf = ({ step, name }: ArtifactView): string => `${step}.${name}`;

const find = async (client: ApiClient, run: string, name: string): Promise<ArtifactView> => {
	const artifacts = await client.artifacts(run);
	const found = artifacts.find((artifact) => nameOf(artifact) === name);
	if (found) return found;
	const names = artifacts.map(nameOf);
	throw new RunmeshError("RM_NOT_FOUND", `run ${run} has no artifact "${name}"`, {
		hint: didYouMean(name, names) || (names.length > 0 ? `it has ${names.slice(0, 10).join(", ")}` : "it has none yet"),
	});
};

/** The API sends blobs whole: what a broken transfer already brought is passed over. */
const sourceOf = (client: ApiClient): BlobSource => ({
	name: client.url,
	read: async function* (digest, offset) {
		let skip = offset;
		for await (const chunk of (await client.openBlob(digest)) as AsyncIterable<Buffer>) {
			if (skip < chunk.length) yield chunk.subarray(skip);
			skip = Math.max(0, skip - chunk.length);
		}
	},
});

export const downloadArtifact = async (
	client: ApiClient,
	run: string,
	name: string,
	dir: string,
	cache: string,
): Promise<Download> => {
	const artifact = await find(client, run, name);
	if (!isName(artifact.name)) throw new RunmeshError("RM_UNSAFE_PATH", `an artifact is named "${artifact.name}"`);
	// Brings the bytes from the agents to the coordinator; until then it has none of the files.
	await client.manifest(artifact.digest);
	await mkdir(cache, { recursive: true });
	const scratch = await mkdtemp(join(cache, "download-"));
	try {
		const store = await openBlobStore(scratch);
		await fetchArtifact(store, artifact, [sourceOf(client)]);
		const { singleFile, entries } = await readManifest(store, artifact.digest);
		// A single file keeps the name it was captured under; its path has been checked to be a plain one.
		const path = resolve(dir, singleFile && entries[0] ? entries[0].path : artifact.name);
		await materialiseTree(store, artifact, path);
		return { artifact, path };
	} finally {
		await rm(scratch, { recursive: true, force: true });
	}
};
