/** Packages of Node, by `npm ci`: those of the lock file and no others. */

import { delimiter, posix } from "node:path";
import { AttemptError } from "../runner/failure.ts";
import type { Environment } from "../runner/setup/environment.ts";
import { findCodeFile, readCodeFile } from "./code-files.ts";
import type { Ingredients, Place, Recipe } from "./plan.ts";
import { askProgram, findProgram } from "./tools.ts";

/** A package that lies in the code: a folder, a workspace, or an archive. */
const NAMES_CODE = /"link":\s*true|"file:/;

export const planNode = async ({ wanted, work, variables, path }: Ingredients): Promise<Recipe> => {
	const folder = wanted.file;
	const inFolder = (name: string): string => posix.join(folder, name);
	const files: Record<string, string> = {};
	for (const name of ["package.json", "package-lock.json"]) files[inFolder(name)] = readCodeFile(work, inFolder(name));
	const settings = findCodeFile(work, inFolder(".npmrc"));
	if (settings !== null) files[inFolder(".npmrc")] = settings;
	const npm = findProgram("npm", path);
	if (!npm) throw new AttemptError("setup", "this agent has no npm: install it there");
	const node = await askProgram(findProgram("node", path) ?? process.execPath, ["--version"], variables);
	const packages = ({ source }: Place): string => posix.join(source, folder, "node_modules");
	return {
		what: "the Node environment",
		decides: { tool: "npm", node, folder },
		files,
		needsCode: NAMES_CODE.test(files[inFolder("package-lock.json")] ?? ""),
		commands: ({ source }) => [[npm, "ci", "--prefix", posix.join(source, folder)]],
		buildVariables: QUIET,
		programs: (place) => `${packages(place)}/.bin`,
		variables: (place) => ({ NODE_PATH: [packages(place), variables.NODE_PATH].filter(Boolean).join(delimiter) }),
		// Modules of ECMAScript heed no NODE_PATH: they look beside the code.
		link: { at: inFolder("node_modules"), to: packages },
		keepsSource: true,
		hasScripts: false,
		sharesFiles: false,
	};
};

const QUIET: Environment = {
	NPM_CONFIG_AUDIT: "false",
	NPM_CONFIG_FUND: "false",
	NPM_CONFIG_PROGRESS: "false",
	NPM_CONFIG_UPDATE_NOTIFIER: "false",
	NPM_CONFIG_COLOR: "false",
};
