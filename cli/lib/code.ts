/** The folder that a pipeline file lies in, as the code its steps run with: captured by content, only news uploaded. */

import { readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import ignore from "ignore";
import { forEachBounded } from "#shared/blobs/bounded.ts";
import { captureTree } from "#shared/blobs/tree.ts";
import type { ArtifactRef } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Digest } from "#shared/ids.ts";
import type { ApiClient } from "./client.ts";
import { checkCodeSize, type Ignores } from "./code-size.ts";
import { type Patience, persist } from "./resume.ts";
import { changed, createSourceStore, type Source, type SourceStore } from "./source-store.ts";

const ALWAYS_IGNORED = [".git", "node_modules", ".runmesh", "*.log"];
const IGNORE_FILES = [".gitignore", ".runmeshignore"];
const UPLOADS_AT_ONCE = 8;
/** Digests in one question. */
const ASKED_AT_ONCE = 1_000;

/** A later file's rules can bring back what an earlier one left out. */
const loadIgnores = async (folder: string): Promise<Ignores> => {
	const rules = ignore().add(ALWAYS_IGNORED);
	for (const name of IGNORE_FILES) {
		const text = await readFile(join(folder, name), "utf8").catch((error: NodeJS.ErrnoException) => {
			if (error.code === "ENOENT") return "";
			throw error;
		});
		rules.add(text);
	}
	return (path, isDirectory) => rules.ignores(isDirectory ? `${path}/` : path);
};

export interface Code {
	ref: ArtifactRef;
	store: SourceStore;
}

/** Reads the folder, sends nothing. */
export const captureCode = async (folder: string): Promise<Code> => {
	const root = await realpath(folder);
	const ignores = await loadIgnores(root);
	await checkCodeSize(root, ignores);
	const store = createSourceStore();
	try {
		const ref = await captureTree(store, root, "code", "coordinator", { ignore: ignores });
		return { ref, store };
	} catch (error) {
		if (!(error instanceof RunmeshError) || error.code !== "RM_UNSAFE_PATH") throw error;
		throw new RunmeshError("RM_UNSAFE_PATH", error.message, {
			hint: `the folder of the pipeline file goes along as code; name what should stay here in ${join(folder, ".runmeshignore")}`,
			cause: error,
		});
	}
};

const missingOf = async (client: ApiClient, digests: Digest[]): Promise<Digest[]> => {
	const missing: Digest[] = [];
	for (let from = 0; from < digests.length; from += ASKED_AT_ONCE) {
		missing.push(...((await client.missingBlobs(digests.slice(from, from + ASKED_AT_ONCE))) as Digest[]));
	}
	return missing;
};

const send = async (client: ApiClient, { path, sizeBytes, open }: Source, digest: Digest): Promise<void> => {
	try {
		await client.putBlob(digest, sizeBytes, open);
	} catch (error) {
		// The receiver found other bytes than the digest's.
		if (error instanceof RunmeshError && error.code === "RM_BAD_INPUT") throw changed(path, error);
		throw error;
	}
};

/** Sends what the coordinator lacks; nothing on a second call. */
export const uploadCode = async (
	client: ApiClient,
	{ ref, store }: Code,
	onUpload: (sentBytes: number, totalBytes: number) => void,
	patience: Patience,
): Promise<void> => {
	const files = [...store.sources.keys()].filter((digest) => digest !== ref.digest);
	const sizeOf = (digest: Digest): number => store.sources.get(digest)?.sizeBytes ?? 0;
	// The manifest goes last: where it is, all it names is there too.
	for (const group of [files, [ref.digest]]) {
		const missing = await persist(() => missingOf(client, group), { patience });
		const totalBytes = missing.reduce((sum, digest) => sum + sizeOf(digest), 0);
		let sentBytes = 0;
		await forEachBounded(missing, UPLOADS_AT_ONCE, async (digest) => {
			const source = store.sources.get(digest);
			if (!source) return;
			await persist(() => send(client, source, digest), { patience });
			sentBytes += source.sizeBytes;
			onUpload(sentBytes, totalBytes);
		});
	}
};
