/**
 * Whether two code trees look the same to a step that read some of the code: it sees the files it read, and the names
 * in the folders it looked into, where a file more or less could have led it elsewhere.
 *
 * `CodeUse.paths` names files and links as the manifest does. A folder that was listed ends in "/"; "./" is the root.
 */

import type { CodeUse, Manifest, ManifestEntry } from "../domain.ts";
import { sha256Hex } from "../sha256.ts";
import { parents } from "./manifest.ts";

export const ROOT = "./";

/**
 * Over each file read (path, digest, executable) and the names in each folder that was listed or holds a file read, and
 * in those above it. null when the tree lacks one of the paths: then it looks different.
 */
export const codeUseKey = (manifest: Manifest, paths: readonly string[]): string | null => {
	const tree = treeOf(manifest);
	const files: string[] = [];
	for (const path of paths.filter((each) => !each.endsWith("/"))) {
		const entry = tree.files.get(path);
		if (!entry) return null;
		files.push(fileLine(entry));
	}
	const folders: string[] = [];
	for (const folder of foldersSeen(paths)) {
		const names = tree.folders.get(folder);
		if (!names) return null;
		folders.push(JSON.stringify([folder, [...names].sort()]));
	}
	return `sha256:${sha256Hex(JSON.stringify([files.sort(), folders.sort()]))}`;
};

/** What makes them look different, in words: "train.mjs changed", "lib/new.py added", "old.txt removed". */
export const codeUseDifferences = (before: Manifest, after: Manifest, { paths }: Pick<CodeUse, "paths">): string[] => {
	const [old, now] = [treeOf(before), treeOf(after)];
	const found = new Map<string, string>();
	for (const path of paths.filter((each) => !each.endsWith("/"))) {
		const [was, is] = [old.files.get(path), now.files.get(path)];
		if (was && is && fileLine(was) !== fileLine(is)) found.set(path, "changed");
	}
	for (const folder of foldersSeen(paths)) {
		const [had, has] = [old.folders.get(folder) ?? new Set(), now.folders.get(folder) ?? new Set()];
		const place = folder === ROOT ? "" : folder;
		for (const name of had) if (!has.has(name)) found.set(`${place}${name}`, "removed");
		for (const name of has) if (!had.has(name)) found.set(`${place}${name}`, "added");
	}
	return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, how]) => `${path} ${how}`);
};

/** All there are, each as it is named in `CodeUse.paths`. */
export const foldersIn = (manifest: Manifest): string[] => [...treeOf(manifest).folders.keys()];

/** "a/b/" and "a/" for a file in a/b, and the root. */
const foldersOf = (path: string): string[] => [...parents(path).map((parent) => `${parent}/`), ROOT];

/** Folders whose names count. */
const foldersSeen = (paths: readonly string[]): Set<string> => {
	const seen = new Set<string>();
	for (const path of paths) {
		if (path.endsWith("/")) seen.add(path);
		if (path !== ROOT) for (const folder of foldersOf(path.replace(/\/$/, ""))) seen.add(folder);
	}
	return seen;
};

const fileLine = ({ path, digest, executable, linkTarget }: ManifestEntry): string =>
	JSON.stringify(linkTarget === "" ? [path, digest, executable] : [path, { link: linkTarget }]);

interface Tree {
	files: Map<string, ManifestEntry>;
	/** Names in each folder, those of folders with a "/". */
	folders: Map<string, Set<string>>;
}

const trees = new WeakMap<Manifest, Tree>();

/** Many uses are compared with one manifest. */
const treeOf = (manifest: Manifest): Tree => {
	const known = trees.get(manifest);
	if (known) return known;
	const tree: Tree = { files: new Map(), folders: new Map([[ROOT, new Set()]]) };
	for (const entry of manifest.entries) {
		tree.files.set(entry.path, entry);
		addName(tree, entry.path);
	}
	trees.set(manifest, tree);
	return tree;
};

/** `path` ends in "/" when it is a folder's. */
const addName = ({ folders }: Tree, path: string): void => {
	for (let at = path; ; ) {
		const slash = at.lastIndexOf("/", at.length - 2);
		const folder = slash === -1 ? ROOT : at.slice(0, slash + 1);
		const names = folders.get(folder);
		names?.add(at.slice(slash + 1));
		if (names) return;
		folders.set(folder, new Set([at.slice(slash + 1)]));
		at = folder;
	}
};
