/**
 * The submitter's own files as a blob store that copies nothing: a file is hashed where it lies and read again for
 * the upload. One that changes between the two is found out by the receiver, who checks the digest.
 */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import type { BlobStore } from "#shared/blobs/store.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Digest } from "#shared/ids.ts";

export interface Source {
	sizeBytes: number;
	path: string;
	open(): Readable;
}

export interface SourceStore extends Pick<BlobStore, "write" | "writeFile"> {
	readonly sources: ReadonlyMap<Digest, Source>;
}

export const changed = (path: string, cause?: unknown): RunmeshError =>
	new RunmeshError("RM_CONFLICT", `${path} changed while it was sent`, {
		hint: "run again when nothing writes to it, or name it in .runmeshignore",
		cause,
	});

/** Exactly what was hashed: an upload that does not end with its announced length would hang. */
async function* readExactly(path: string, sizeBytes: number): AsyncGenerator<Buffer> {
	let left = sizeBytes;
	if (sizeBytes > 0) {
		for await (const chunk of createReadStream(path, { end: sizeBytes - 1 }) as AsyncIterable<Buffer>) {
			left -= chunk.length;
			yield chunk;
		}
	}
	if (left > 0) throw changed(path);
}

const hashed = async (chunks: AsyncIterable<Uint8Array>): Promise<{ digest: Digest; sizeBytes: number }> => {
	const hash = createHash("sha256");
	let sizeBytes = 0;
	for await (const chunk of chunks) {
		hash.update(chunk);
		sizeBytes += chunk.length;
	}
	return { digest: `sha256:${hash.digest("hex")}` as Digest, sizeBytes };
};

export const createSourceStore = (): SourceStore => {
	const sources = new Map<Digest, Source>();
	return {
		sources,
		writeFile: async (path) => {
			const blob = await hashed(createReadStream(path));
			const { digest, sizeBytes } = blob;
			sources.set(digest, { sizeBytes, path, open: () => Readable.from(readExactly(path, sizeBytes)) });
			return blob;
		},
		write: async (chunks, expected, maxBytes = Number.POSITIVE_INFINITY) => {
			const held: Uint8Array[] = [];
			for await (const chunk of chunks) held.push(chunk);
			const blob = await hashed(Readable.from(held));
			if (expected !== undefined && blob.digest !== expected) {
				throw new RunmeshError("RM_BLOB_CORRUPT", `bytes of ${blob.digest} came as ${expected}`);
			}
			if (blob.sizeBytes > maxBytes)
				throw new RunmeshError("RM_TOO_LARGE", `more than the ${maxBytes} bytes allowed here`);
			const { digest, sizeBytes } = blob;
			sources.set(digest, { sizeBytes, path: "the list of files", open: () => Readable.from(held) });
			return blob;
		},
	};
};
