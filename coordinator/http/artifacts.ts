/** Artifacts of a run, and what is inside one. */

import { z } from "zod";
import type { ManifestView } from "#shared/api.ts";
import { checkManifest, MAX_MANIFEST_BYTES } from "#shared/blobs/manifest.ts";
import type { BlobStore } from "#shared/blobs/store.ts";
import type { Manifest } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Digest } from "#shared/ids.ts";
import { manifestCodec } from "#shared/wire/codec.ts";
import type { HttpDeps } from "./deps.ts";
import { fetchHere } from "./fetch-here.ts";
import { missingBlobs } from "./missing-blobs.ts";
import { type Api, digestSchema, runParams } from "./validation.ts";

export const artifactRoutes = (app: Api, deps: HttpDeps): void => {
	const { store, blobs } = deps;
	app.get(
		"/runs/:run/artifacts",
		{ schema: { params: runParams }, config: { summary: "What a run's steps have left" } },
		async ({ params }) => store.artifacts(store.resolveRun(params.run)),
	);

	app.get(
		"/artifacts/:digest",
		{
			schema: { params: z.strictObject({ digest: digestSchema }) },
			config: { summary: "An artifact's files; once this answers, their blobs are here" },
		},
		async ({ params: { digest } }, reply) => {
			await fetchHere(deps, digest, await missingBlobs(blobs, [digest]), reply);
			const manifest = await readManifest(blobs, digest);
			await fetchHere(deps, digest, await missingBlobs(blobs, blobsOf(manifest)), reply);
			return viewOf(digest, manifest);
		},
	);
};

const readManifest = async (blobs: BlobStore, digest: Digest): Promise<Manifest> => {
	const size = await blobs.sizeOf(digest);
	if (size !== null && size > MAX_MANIFEST_BYTES) throw notManifest(digest);
	const manifest = manifestCodec.decode(Buffer.concat(await blobs.read(digest).toArray()));
	// Any blob can be asked for here, and many a one decodes as something.
	try {
		checkManifest(manifest);
	} catch (cause) {
		throw notManifest(digest, cause);
	}
	return manifest;
};

const notManifest = (digest: Digest, cause?: unknown): RunmeshError =>
	new RunmeshError("RM_BAD_INPUT", `${digest} is no artifact`, { cause, hint: "see `runmesh artifacts ls`" });

const blobsOf = ({ entries }: Manifest): Digest[] => entries.flatMap(({ digest }) => (digest === "" ? [] : digest));

const viewOf = (digest: Digest, { entries, singleFile }: Manifest): ManifestView => ({
	digest,
	singleFile,
	files: entries,
});
