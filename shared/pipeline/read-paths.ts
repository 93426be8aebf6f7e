/** Paths a pipeline file names: outputs, the working directory, files of packages. They stay inside their tree. */

import { isName } from "../ids.ts";
import type { Problems } from "./problems.ts";
import { addExpected, readText } from "./read.ts";
import type { TreeNode } from "./yaml-tree.ts";

const MAX_PATH = 1024;

/** Relative and without `.` or empty parts; null for a path that leads elsewhere. */
const normalise = (path: string): string | null => {
	if (path.length > MAX_PATH || /^\/|^[A-Za-z]:|[\\\p{Cc}]/u.test(path)) return null;
	const parts = path.split("/").filter((part) => part !== "" && part !== ".");
	return parts.includes("..") ? null : parts.join("/");
};

/** "" is the tree itself. */
export const readPath = (problems: Problems, node: TreeNode): string | null => {
	const text = readText(problems, node, "a relative path");
	const path = text === null ? null : normalise(text);
	if (text !== null && path === null) {
		addExpected(problems, node, "a relative path that stays inside its folder", "use `/` between names, no `..`");
	}
	return path;
};

/** `[dataset]`, or `{model: model.onnx}`. */
export const readOutputs = (problems: Problems, node: TreeNode): Record<string, string> => {
	const outputs = new Map<string, string>();
	const add = (name: string, path: string | null, at: TreeNode): void => {
		if (path === "") addExpected(problems, at, "a file or folder inside the step's outputs");
		// Kept with a bad path too, so that steps which take it are not told it does not exist.
		outputs.set(name, path || name);
	};
	if (node.kind === "map") {
		for (const [name, { place, value }] of node.fields) {
			if (!isName(name)) problems.add(place, `\`${name}\` is no name of an output`);
			add(name, readPath(problems, value), value);
		}
		return Object.fromEntries(outputs);
	}
	if (node.kind !== "list") {
		addExpected(problems, node, "a list of names, or a mapping of names to paths");
		return {};
	}
	for (const item of node.items) {
		const name = readText(problems, item, "the name of an output");
		if (name === null) continue;
		if (outputs.has(name)) problems.add(item, `\`${name}\` is given twice`, "remove one of them");
		if (isName(name)) outputs.set(name, name);
		else addExpected(problems, item, "the name of an output", `to name a path, write {name: ${name.slice(0, 60)}}`);
	}
	return Object.fromEntries(outputs);
};
