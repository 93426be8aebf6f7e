/**
 * Bytes on this machine, named by their SHA-256: `<dir>/sha256/ab/<hex>`, mode 0444; those that were fetched from others
 * under `<dir>/fetched`, for they may be fetched again. A blob is staged, synced and renamed, so it is there whole or not
 * at all. One process owns a store's folder.
 */

import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { chmod, copyFile, type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { RunmeshError, toRunmeshError } from "../errors.ts";
import { type Digest, isDigest } from "../ids.ts";
import { type FetchedBlobs, openFetchedTree } from "./fetched.ts";

export interface BlobStore {
	/** null when the blob is not here. */
	sizeOf(digest: Digest): Promise<number | null>;
	/** Bytes [offset, offset+length); length 0 reads to the end. The stream fails with RM_NOT_FOUND. */
	read(digest: Digest, offset?: number, length?: number): Readable;
	/** Streams in. With `expected`, other bytes throw RM_BLOB_CORRUPT and leave nothing; beyond maxBytes, RM_TOO_LARGE. */
	write(source: AsyncIterable<Uint8Array>, expected?: Digest, maxBytes?: number): Promise<StoredBlob>;
	/** The same for what others hold. */
	writeFetched(source: AsyncIterable<Uint8Array>, expected: Digest, maxBytes: number): Promise<StoredBlob>;
	/** Copies a file in (reflink where the file system can). */
	writeFile(path: string): Promise<StoredBlob>;
	/** Puts a verified copy at a path, replacing what is there; a corrupt blob is set aside and throws RM_BLOB_CORRUPT. */
	placeAt(digest: Digest, path: string, executable: boolean): Promise<void>;
	readonly fetched: FetchedBlobs;
}

export interface StoredBlob {
	digest: Digest;
	sizeBytes: number;
}

/** One read, and one frame of a transfer. */
const FRAME_BYTES = 512 * 1024;
const READ_AHEAD_FRAMES = 2;
/** A large blob goes to the disk while it comes in, not all of it at the end. */
const SYNC_EVERY_BYTES = 32 * 1024 * 1024;

export const openBlobStore = async (dir: string): Promise<BlobStore> => {
	const blobs = join(dir, "sha256");
	const fetched = openFetchedTree(join(dir, "fetched"));
	const staging = join(dir, "staging");
	const corrupt = join(dir, "corrupt");
	// Whatever is staged belongs to a process that died.
	await rm(staging, { recursive: true, force: true });
	for (const folder of [blobs, fetched.folder, staging]) await mkdir(folder, { recursive: true, mode: 0o700 });
	await removeOld(corrupt);

	const pathIn = (tree: string, digest: Digest): string => {
		if (!isDigest(digest)) throw new RunmeshError("RM_BAD_INPUT", `"${digest}" is no digest`);
		const hex = digest.slice("sha256:".length);
		return join(tree, hex.slice(0, 2), hex);
	};

	/** Where it is, and how large; null when it is not here. */
	const find = async (digest: Digest): Promise<{ path: string; size: number } | null> => {
		const made = pathIn(blobs, digest);
		const file = await stat(made).catch(ignoreMissing);
		if (file) return { path: made, size: file.size };
		const path = pathIn(fetched.folder, digest);
		await fetched.use(digest);
		const copy = await stat(path).catch(ignoreMissing);
		if (!copy) return null;
		fetched.mark(path, copy.mtimeMs);
		return { path, size: copy.size };
	};

	/** The staged file is synced; after this the name is too. */
	const publish = async (staged: string, digest: Digest, tree: string): Promise<void> => {
		const path = pathIn(tree, digest);
		const shard = dirname(path);
		if (await mkdir(shard, { recursive: true, mode: 0o700 })) await syncFolder(tree);
		if (tree === fetched.folder) await fetched.use(digest);
		await rename(staged, path);
		await syncFolder(shard);
	};

	const withStaged = async <T>(work: (staged: string) => Promise<T>): Promise<T> => {
		const staged = join(staging, randomUUID());
		try {
			return await work(staged);
		} catch (error) {
			throw nameFullDisk(error, dir);
		} finally {
			await rm(staged, { force: true });
		}
	};

	const stage = (source: AsyncIterable<Uint8Array>, expected: Digest | undefined, maxBytes: number, tree: string) =>
		withStaged(async (staged) => {
			const blob = await stageStream(staged, source, maxBytes);
			if (expected !== undefined && blob.digest !== expected) {
				throw new RunmeshError("RM_BLOB_CORRUPT", `bytes of ${blob.digest} came as ${expected}`);
			}
			await publish(staged, blob.digest, tree);
			return blob;
		});

	const quarantine = async (digest: Digest, path: string): Promise<void> => {
		await mkdir(corrupt, { recursive: true, mode: 0o700 });
		await rename(path, join(corrupt, digest.slice("sha256:".length))).catch(ignoreMissing);
	};

	return {
		fetched,

		sizeOf: async (digest) => (await find(digest))?.size ?? null,

		read: (digest, offset = 0, length = 0) => {
			const paths = [blobs, fetched.folder].map((tree) => pathIn(tree, digest));
			return Readable.from(readFrames(paths, digest, offset, length), { highWaterMark: READ_AHEAD_FRAMES });
		},

		write: (source, expected, maxBytes = Number.POSITIVE_INFINITY) => stage(source, expected, maxBytes, blobs),
		writeFetched: (source, expected, maxBytes) => stage(source, expected, maxBytes, fetched.folder),

		writeFile: (path) =>
			withStaged(async (staged) => {
				await copyFile(path, staged, constants.COPYFILE_FICLONE);
				await chmod(staged, 0o444);
				// Hashed after the copy: the original may change, the copy does not.
				const blob = await hashFile(staged, true);
				await publish(staged, blob.digest, blobs);
				return blob;
			}),

		placeAt: async (digest, path, executable) => {
			// Removed, not overwritten: a link at the path must not lead the bytes elsewhere.
			await rm(path, { force: true });
			const blob = await find(digest);
			if (!blob) throw missing(digest);
			try {
				await copyFile(blob.path, path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
			} catch (error) {
				if ((await find(digest)) === null) throw missing(digest);
				throw nameFullDisk(error, path);
			}
			const placed = await hashFile(path);
			if (placed.digest !== digest) {
				await rm(path, { force: true });
				await quarantine(digest, blob.path);
				throw new RunmeshError("RM_BLOB_CORRUPT", `blob ${digest} is damaged on the disk; it was moved to ${corrupt}`, {
					hint: "it will be fetched again from another holder, or its step recomputed",
				});
			}
			await chmod(path, executable ? 0o755 : 0o644);
		},
	};
};

const missing = (digest: Digest): RunmeshError => new RunmeshError("RM_NOT_FOUND", `blob ${digest} is not here`);

const ignoreMissing = (error: NodeJS.ErrnoException): undefined => {
	if (error.code !== "ENOENT") throw error;
};

/** Damaged blobs are of use to one who looks into it soon. */
const CORRUPT_KEPT_MS = 7 * 24 * 3_600_000;

const removeOld = async (folder: string): Promise<void> => {
	for (const name of await readdir(folder).catch(() => [])) {
		const path = join(folder, name);
		// A rename changes this time alone.
		const file = await stat(path).catch(ignoreMissing);
		if (file && Date.now() - file.ctimeMs > CORRUPT_KEPT_MS) await rm(path, { recursive: true, force: true });
	}
};

/** A write's own error does not say which disk. */
const nameFullDisk = (error: unknown, path: string): unknown => {
	const { code } = error as NodeJS.ErrnoException;
	return code === "ENOSPC" || code === "EDQUOT" ? toRunmeshError(Object.assign(error as Error, { path })) : error;
};

const syncFolder = async (path: string): Promise<void> => {
	const folder = await open(path, "r");
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
};

const writeAll = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
	for (let written = 0; written < bytes.length; ) {
		written += (await file.write(bytes, written, bytes.length - written)).bytesWritten;
	}
};

const stageStream = async (path: string, source: AsyncIterable<Uint8Array>, maxBytes: number): Promise<StoredBlob> => {
	const hash = createHash("sha256");
	let sizeBytes = 0;
	let unsynced = 0;
	let syncing: Promise<void> = Promise.resolve();
	const file = await open(path, "wx", 0o600);
	try {
		for await (const bytes of source) {
			sizeBytes += bytes.length;
			if (sizeBytes > maxBytes) throw new RunmeshError("RM_TOO_LARGE", `more than the ${maxBytes} bytes allowed here`);
			const written = writeAll(file, bytes);
			hash.update(bytes);
			await written;
			unsynced += bytes.length;
			if (unsynced < SYNC_EVERY_BYTES) continue;
			await syncing;
			unsynced = 0;
			syncing = file.datasync();
			syncing.catch(() => undefined);
		}
		await syncing;
		await file.chmod(0o444);
		await file.sync();
	} finally {
		await file.close();
	}
	return { digest: `sha256:${hash.digest("hex")}` as Digest, sizeBytes };
};

const hashFile = async (path: string, sync = false): Promise<StoredBlob> => {
	const hash = createHash("sha256");
	const buffer = Buffer.allocUnsafe(FRAME_BYTES);
	let sizeBytes = 0;
	const file = await open(path, "r");
	try {
		for (;;) {
			const { bytesRead } = await file.read(buffer, 0, buffer.length, sizeBytes);
			if (bytesRead === 0) break;
			hash.update(buffer.subarray(0, bytesRead));
			sizeBytes += bytesRead;
		}
		if (sync) await file.sync();
	} finally {
		await file.close();
	}
	return { digest: `sha256:${hash.digest("hex")}` as Digest, sizeBytes };
};

async function* readFrames(
	[path, other]: string[],
	digest: Digest,
	offset: number,
	length: number,
): AsyncGenerator<Buffer> {
	const file =
		(await open(path as string, "r").catch(ignoreMissing)) ?? (await open(other as string, "r").catch(ignoreMissing));
	if (!file) throw missing(digest);
	try {
		const end = length === 0 ? Number.POSITIVE_INFINITY : offset + length;
		for (let position = offset; position < end; ) {
			const frame = Buffer.allocUnsafe(Math.min(FRAME_BYTES, end - position));
			const { bytesRead } = await file.read(frame, 0, frame.length, position);
			if (bytesRead === 0) return;
			position += bytesRead;
			yield frame.subarray(0, bytesRead);
		}
	} finally {
		await file.close();
	}
}
