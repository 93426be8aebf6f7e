/**
 * What a step's packages come to on this machine: what decides the environment, and so its key, and how it is made.
 * Two plans of one key make the same, so one is made for all who ask for it.
 */

import { createHash } from "node:crypto";
import { arch, platform } from "node:os";
import { delimiter } from "node:path";
import type { StepEnvironment, Task } from "#shared/domain.ts";
import { canonicalJson } from "#shared/pipeline/canonical.ts";
import { AttemptError } from "../runner/failure.ts";
import type { Environment } from "../runner/setup/environment.ts";
import { planConda } from "./conda.ts";
import { planNode } from "./node.ts";
import { planPython } from "./python.ts";
import { buildVariables } from "./variables.ts";

/** Where an environment lies: a folder of its own, named by its key. */
export interface Place {
	/** The environment itself. */
	env: string;
	/** What it is made from: files of the code, or the whole of it. */
	source: string;
}

/** One way to make one: what the tools of its kind need to know. */
export interface Recipe {
	/** For people: "the Python environment". */
	what: string;
	/** Beside kind, platform, files and variables: tool, interpreter, packages. */
	decides: Record<string, unknown>;
	/** Of the code, path → text: all that it is made from, unless it needs the whole code. */
	files: Record<string, string>;
	needsCode: boolean;
	/** They run in the source's folder, one after the other. */
	commands(place: Place): string[][];
	/** What they run with, beside the variables that people set. */
	buildVariables: Environment;
	/** Where the programs are, for the front of PATH. */
	programs(place: Place): string;
	/** What a step finds, beside PATH. */
	variables(place: Place): Environment;
	/** Its packages may leave scripts that switch it on. */
	hasScripts: boolean;
	/** Packages that a step's code expects beside itself: where in the code, and where they are. */
	link?: { at: string; to(place: Place): string };
	/** It lives on in the source's folder. */
	keepsSource: boolean;
	/** Its files may be another's too, by hard links: only its folders are made read-only. */
	sharesFiles: boolean;
}

export interface Plan extends Recipe {
	key: string;
	/** All that its commands run with. */
	environment: Environment;
}

/** What a recipe is made from. */
export interface Ingredients {
	wanted: StepEnvironment;
	/** The attempt's copy of the code. */
	work: string;
	/** What commands run with. */
	variables: Environment;
	/** Where programs are looked for. */
	path: string[];
}

const recipes = { python: planPython, conda: planConda, node: planNode };

const KEY_LENGTH = 20;

export const planEnvironment = async (
	wanted: StepEnvironment,
	task: Task,
	work: string,
	base: Environment,
): Promise<Plan> => {
	check(wanted);
	const variables = { ...base, ...buildVariables(task.env) };
	const recipe = await recipes[wanted.kind]({ wanted, work, variables, path: (base.PATH ?? "").split(delimiter) });
	const parts = {
		kind: wanted.kind,
		platform: `${platform()} ${arch()}`,
		...recipe.decides,
		files: recipe.files,
		code: recipe.needsCode ? (task.code?.digest ?? "") : "",
		variables: buildVariables(task.env),
	};
	const key = createHash("sha256").update(canonicalJson(parts)).digest("hex").slice(0, KEY_LENGTH);
	return { ...recipe, key, environment: { ...variables, ...recipe.buildVariables } };
};

/** The agent trusts no message with its command lines. */
const check = ({ file, packages, version }: StepEnvironment): void => {
	const isInside = !file.startsWith("/") && !file.includes("\0") && !file.split("/").includes("..");
	if (!isInside) throw new AttemptError("setup", `the file "${file}" leads outside the code tree`);
	const odd = packages.find((name) => !/^[A-Za-z0-9][^\p{Cc}]*$/u.test(name));
	if (odd !== undefined) throw new AttemptError("setup", `"${odd}" is no name of a package`);
	if (!/^[\d.]*$/.test(version)) throw new AttemptError("setup", `"${version}" is no version of an interpreter`);
};
