/** Files and folders to artifacts and back: a manifest in the blob store names every file of a tree. */

import type { Dirent } from "node:fs";
import { lstat, mkdir, readdir, readlink, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { ArtifactRef, Manifest, ManifestEntry } from "../domain.ts";
import { RunmeshError } from "../errors.ts";
import type { Digest } from "../ids.ts";
import { manifestCodec } from "../wire/codec.ts";
import { forEachBounded } from "./bounded.ts";
import { checkManifest, MAX_MANIFEST_BYTES, MAX_MANIFEST_ENTRIES, parents, staysInside } from "./manifest.ts";
import type { BlobStore } from "./store.ts";

const FILES_AT_ONCE = 4;

export interface CaptureOptions {
	/** Leaves a file, or a folder with all it holds, out. */
	ignore?: (relativePath: string, isDirectory: boolean) => boolean;
	maxFiles?: number;
	maxBytes?: number;
}

/** Stores a file or a folder. The same tree always gives the same digest. Empty folders are not kept. */
export const captureTree = async (
	store: Pick<BlobStore, "write" | "writeFile">,
	path: string,
	name: string,
	holder: string,
	options: CaptureOptions = {},
): Promise<ArtifactRef> => {
	const root = await lstat(path).catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT") throw new RunmeshError("RM_NOT_FOUND", `there is nothing at ${path}`);
		throw error;
	});
	const limits = new CaptureLimits(path, options);
	const entries: ManifestEntry[] = [];
	const singleFile = root.isFile();
	if (singleFile) entries.push(limits.file(basename(path), root.size, root.mode));
	else if (root.isDirectory()) await walk(path, "", options.ignore ?? (() => false), limits, entries);
	else throw refuse(path, root.isSymbolicLink() ? "is a symbolic link" : "is neither a file nor a folder");

	await forEachBounded(entries, FILES_AT_ONCE, async (entry) => {
		if (entry.linkTarget !== "") return;
		const blob = await store.writeFile(singleFile ? path : join(path, entry.path));
		entry.digest = blob.digest;
		entry.sizeBytes = blob.sizeBytes;
	});
	entries.sort((a, b) => (a.path < b.path ? -1 : 1));
	const manifest: Manifest = { entries, singleFile };
	checkManifest(manifest);
	const bytes = manifestCodec.encode(manifest);
	if (bytes.length > MAX_MANIFEST_BYTES) throw tooLarge(`the manifest of ${path}`, `${MAX_MANIFEST_BYTES} bytes`);
	const { digest } = await store.write(Readable.from([bytes]));
	return {
		name,
		digest,
		sizeBytes: entries.reduce((sum, entry) => sum + entry.sizeBytes, 0),
		fileCount: entries.length,
		holders: [holder],
	};
};

/** RM_NOT_FOUND where the store lacks it; whatever it returns has been checked. */
export const readManifest = async (store: BlobStore, digest: Digest): Promise<Manifest> => {
	const size = await store.sizeOf(digest);
	if (size !== null && size > MAX_MANIFEST_BYTES) throw tooLarge(`manifest ${digest}`, `${MAX_MANIFEST_BYTES} bytes`);
	const manifest = manifestCodec.decode(await buffer(store.read(digest)));
	checkManifest(manifest);
	return manifest;
};

/** A file artifact lands exactly at `target`, a folder's files under it. What an earlier try left there is replaced. */
export const materialiseTree = async (store: BlobStore, ref: ArtifactRef, target: string): Promise<Manifest> => {
	const manifest = await readManifest(store, ref.digest);
	const { entries, singleFile } = manifest;
	const place = ({ digest, executable }: ManifestEntry, path: string): Promise<void> =>
		store.placeAt(digest as Digest, path, executable);
	if (singleFile) {
		await mkdir(dirname(target), { recursive: true });
		await place(entries[0] as ManifestEntry, target);
		return manifest;
	}
	await mkdir(target, { recursive: true });
	const folders = new Set(entries.flatMap((entry) => parents(entry.path)));
	// A parent sorts before its children.
	for (const folder of [...folders].sort()) await makeFolder(join(target, folder));
	const files = entries.filter((entry) => entry.linkTarget === "");
	await forEachBounded(files, FILES_AT_ONCE, (entry) => place(entry, join(target, entry.path)));
	// Last, so that no file is ever written through one.
	for (const link of entries.filter((entry) => entry.linkTarget !== "")) {
		const path = join(target, link.path);
		await rm(path, { force: true });
		await symlink(link.linkTarget, path);
	}
	return manifest;
};

const walk = async (
	root: string,
	folder: string,
	ignore: NonNullable<CaptureOptions["ignore"]>,
	limits: CaptureLimits,
	entries: ManifestEntry[],
): Promise<void> => {
	for (const item of await readdir(join(root, folder), { withFileTypes: true })) {
		const path = folder === "" ? item.name : `${folder}/${item.name}`;
		if (ignore(path, item.isDirectory())) continue;
		if (item.isDirectory()) await walk(root, path, ignore, limits, entries);
		else entries.push(await entryOf(root, path, item, limits));
	}
};

const entryOf = async (root: string, path: string, item: Dirent, limits: CaptureLimits): Promise<ManifestEntry> => {
	const full = join(root, path);
	if (item.isSymbolicLink()) {
		const target = await readlink(full);
		if (!staysInside(path, target)) throw refuse(full, `is a symbolic link that leads outside its tree, to ${target}`);
		return limits.link(path, target);
	}
	if (!item.isFile()) throw refuse(full, "is a socket, a pipe or a device");
	const { size, mode } = await lstat(full);
	return limits.file(path, size, mode);
};

/** Counts what a capture takes, and stops it before it has copied anything too large. */
class CaptureLimits {
	readonly #path: string;
	readonly #maxFiles: number;
	readonly #maxBytes: number;
	#files = 0;
	#bytes = 0;

	constructor(path: string, { maxFiles = MAX_MANIFEST_ENTRIES, maxBytes = Number.POSITIVE_INFINITY }: CaptureOptions) {
		this.#path = path;
		this.#maxFiles = Math.min(maxFiles, MAX_MANIFEST_ENTRIES);
		this.#maxBytes = maxBytes;
	}

	file(path: string, sizeBytes: number, mode: number): ManifestEntry {
		this.#count(sizeBytes);
		return { path, digest: "", sizeBytes, executable: (mode & 0o111) !== 0, linkTarget: "" };
	}

	link(path: string, linkTarget: string): ManifestEntry {
		this.#count(0);
		return { path, digest: "", sizeBytes: 0, executable: false, linkTarget };
	}

	#count(sizeBytes: number): void {
		this.#bytes += sizeBytes;
		if (++this.#files > this.#maxFiles) throw tooLarge(this.#path, `${this.#maxFiles} files`);
		if (this.#bytes > this.#maxBytes) throw tooLarge(this.#path, `${this.#maxBytes} bytes`);
	}
}

const makeFolder = async (path: string): Promise<void> => {
	try {
		await mkdir(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		if (!(await lstat(path)).isDirectory()) throw refuse(path, "is in the way of a folder");
	}
};

const refuse = (path: string, why: string): RunmeshError =>
	new RunmeshError("RM_UNSAFE_PATH", `${path} ${why}`, {
		hint: "an artifact holds plain files, folders, and links between them",
	});

const tooLarge = (what: string, limit: string): RunmeshError =>
	new RunmeshError("RM_TOO_LARGE", `${what} holds more than ${limit}, which is the limit`);
