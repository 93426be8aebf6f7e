/** A file of requirements with those it includes, and whether it names more of the code than these. */

import { posix } from "node:path";
import { AttemptError } from "../runner/failure.ts";
import { readCodeFile } from "./code-files.ts";

export interface Requirements {
	/** Path in the code → text. */
	files: Record<string, string>;
	/** A requirement lies in the code, or an option may say where. */
	needsCode: boolean;
}

const MAX_FILES = 50;
const INCLUDE = /^(?:-r|--requirement|-c|--constraint)(?:\s*=\s*|\s+|(?=[^-\s]))(\S+)/;
const EDITABLE = /^(?:-e\b|--editable\b)/;
/** `numpy`, `numpy[x]>=1; python_version < "4"`, `numpy @ https://…`, with hashes behind. */
const NAMED = /^[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*(?:$|[<>=!~;(]|--hash|@\s*(?:https?|git\+\w+):)/;
/** Options that say nothing of the code. */
const PLAIN_OPTION =
	/^(?:--index-url|-i|--extra-index-url|--no-index|--pre|--prefer-binary|--require-hashes|--only-binary|--no-binary|--trusted-host|--use-feature|--hash)\b/;

export const readRequirements = (work: string, file: string): Requirements => {
	const files = new Map<string, string>();
	let needsCode = false;
	const queue = [file];
	for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
		if (files.has(path)) continue;
		if (files.size === MAX_FILES) {
			throw new AttemptError("setup", `"${file}" includes more than ${MAX_FILES} files`);
		}
		const text = readCodeFile(work, path);
		files.set(path, text);
		for (const line of linesOf(text)) {
			const [, included] = INCLUDE.exec(line) ?? [];
			if (EDITABLE.test(line)) refuseEditable(path, line);
			else if (included !== undefined && !/^\w+:/.test(included)) queue.push(insideOf(path, included));
			else if (included === undefined && !NAMED.test(line) && !PLAIN_OPTION.test(line)) needsCode = true;
		}
	}
	return { files: Object.fromEntries(files), needsCode };
};

/** With a `\` at its end a line goes on; what follows a `#` is for people. */
const linesOf = (text: string): string[] =>
	text
		.replace(/\\\r?\n/g, " ")
		.split(/\r?\n/)
		.map((line) => line.replace(/(?:^|\s)#.*$/, "").trim())
		.filter((line) => line !== "");

const insideOf = (from: string, included: string): string => {
	const path = posix.normalize(posix.join(posix.dirname(from), included));
	if (!included.startsWith("/") && path !== ".." && !path.startsWith("../")) return path;
	throw new AttemptError("setup", `"${from}" includes "${included}", which is not in the code`);
};

const refuseEditable = (path: string, line: string): never => {
	const why = "an environment is shared by all who want the same, and outlives this step's copy of the code";
	throw new AttemptError("setup", `"${path}" holds \`${line.slice(0, 100)}\`: ${why}; write it without -e`);
};
