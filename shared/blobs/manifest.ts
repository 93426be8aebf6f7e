/** What a manifest may say. Manifests come from outside and may be hostile: nothing is written before this has passed. */

import type { Manifest, ManifestEntry } from "../domain.ts";
import { RunmeshError } from "../errors.ts";
import { isDigest } from "../ids.ts";

export const MAX_MANIFEST_ENTRIES = 100_000;
export const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

const MAX_PATH_BYTES = 4_000;
const MAX_NAME_BYTES = 255;
const MAX_DEPTH = 100;

/** Throws RM_UNSAFE_PATH, RM_TOO_LARGE or RM_BAD_INPUT naming the first entry that is wrong. */
export const checkManifest = (manifest: Manifest): void => {
	const { entries, singleFile } = manifest;
	if (entries.length > MAX_MANIFEST_ENTRIES) {
		throw new RunmeshError(
			"RM_TOO_LARGE",
			`a manifest of ${entries.length} files, ${MAX_MANIFEST_ENTRIES} are allowed`,
		);
	}
	if (singleFile && (entries.length !== 1 || entries[0]?.digest === "")) {
		throw new RunmeshError("RM_BAD_INPUT", "a manifest of a single file must have exactly that one");
	}
	const paths = new Set<string>();
	const sizes = new Map<string, number>();
	for (const entry of entries) {
		checkPath(entry.path);
		if (paths.has(entry.path)) throw unsafe(entry.path, "stands in the manifest twice");
		paths.add(entry.path);
		if (entry.linkTarget !== "") checkLink(entry);
		else checkFile(entry, sizes);
	}
	for (const path of paths) {
		for (const parent of parents(path)) {
			if (paths.has(parent)) throw unsafe(path, `lies below "${parent}", which is no folder`);
		}
	}
};

/** "a/b/c" → "a/b", "a". */
export const parents = (path: string): string[] => {
	const found: string[] = [];
	for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
		found.push(path.slice(0, slash));
	}
	return found;
};

/**
 * Whether a link at `path` can only lead to places in its own tree. Going up is allowed at the start of the target
 * alone: after a name it might go up from wherever another link led.
 */
export const staysInside = (path: string, target: string): boolean => {
	if (target === "" || target.startsWith("/") || target.includes("\0")) return false;
	let depth = path.split("/").length - 1;
	let named = false;
	for (const part of target.split("/")) {
		if (part === "" || part === ".") continue;
		if (part !== "..") named = true;
		else if (named || --depth < 0) return false;
	}
	return true;
};

const unsafe = (path: string, why: string): RunmeshError =>
	new RunmeshError("RM_UNSAFE_PATH", `${JSON.stringify(path.slice(0, 200))} ${why}`);

const checkPath = (path: string): void => {
	if (path.includes("\0")) throw unsafe(path, "holds a NUL byte");
	if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw unsafe(path, "is too long");
	const parts = path.split("/");
	if (parts.length > MAX_DEPTH) throw unsafe(path, "lies too deep");
	for (const part of parts) {
		if (part === "" || part === "." || part === "..") throw unsafe(path, "is not a plain relative path");
		if (Buffer.byteLength(part) > MAX_NAME_BYTES) throw unsafe(path, "has a name that is too long");
	}
};

const checkLink = ({ path, digest, linkTarget }: ManifestEntry): void => {
	if (digest !== "") throw new RunmeshError("RM_BAD_INPUT", `${JSON.stringify(path)} is both a file and a link`);
	if (Buffer.byteLength(linkTarget) > MAX_PATH_BYTES || !staysInside(path, linkTarget)) {
		throw unsafe(path, "is a link that leads outside its tree");
	}
};

const checkFile = ({ path, digest, sizeBytes }: ManifestEntry, sizes: Map<string, number>): void => {
	const known = sizes.get(digest);
	if (!isDigest(digest) || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || (known ?? sizeBytes) !== sizeBytes) {
		throw new RunmeshError("RM_BAD_INPUT", `${JSON.stringify(path)} has no valid digest and size in its manifest`);
	}
	sizes.set(digest, sizeBytes);
};
