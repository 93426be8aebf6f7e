/** Files that a pipeline file names: paths relative to the submitted one, inside its folder. */

import { LineCounter } from "yaml";
import { Problems } from "./problems.ts";
import { readTree, type TreeNode } from "./yaml-tree.ts";

/** Sub-pipelines of one submission. */
export const MAX_FILES = 64;
export const MAX_FILE_BYTES = 256 * 1024;
/** All of them together. */
export const MAX_FILES_BYTES = 2 * 1024 * 1024;

const MAX_PATH = 1024;

export const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/** What `named` is, said by the file `from`; null when it lies outside the folder. */
export const resolveFile = (from: string, named: string): string | null => {
	if (named.length > MAX_PATH || named.startsWith("/") || /[:\\\p{Cc}]/u.test(named)) return null;
	const parts = from.split("/").slice(0, -1);
	for (const part of named.split("/")) {
		if (part === "..") {
			if (parts.pop() === undefined) return null;
		} else if (part !== "" && part !== ".") parts.push(part);
	}
	return parts.length === 0 ? null : parts.join("/");
};

/**
 * The sub-pipelines that the file at `from` names, relative to the submitted file, without doubles. Of a file that can't
 * be read, none: parsing it says why.
 */
export const referencedFiles = (text: string, from = ""): string[] => {
	const lines = new LineCounter();
	const root = text.length > MAX_FILE_BYTES ? null : readTree(text, new Problems(from, text, lines), lines);
	if (root === null) return [];
	const found = new Set<string>();
	for (const step of [...values(field(root, "steps")), ...values(field(root, "on_failure"))]) {
		const file = field(field(step, "with"), "file");
		if (!isText(field(step, "uses"), "pipeline") || file?.kind !== "scalar") continue;
		const path = resolveFile(from, file.text);
		if (path !== null && found.size < MAX_FILES) found.add(path);
	}
	return [...found];
};

const field = (node: TreeNode | undefined, key: string): TreeNode | undefined =>
	node?.kind === "map" ? node.fields.get(key)?.value : undefined;

const values = (node: TreeNode | undefined): TreeNode[] =>
	node?.kind === "map" ? [...node.fields.values()].map(({ value }) => value) : [];

const isText = (node: TreeNode | undefined, text: string): boolean => node?.kind === "scalar" && node.value === text;
