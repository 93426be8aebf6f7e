/** An environment of conda, by micromamba, mamba or conda, whichever the agent has. */

import { posix } from "node:path";
import { AttemptError } from "../runner/failure.ts";
import type { Environment } from "../runner/setup/environment.ts";
import { readCodeFile } from "./code-files.ts";
import type { Ingredients, Recipe } from "./plan.ts";
import { findProgram } from "./tools.ts";

/** The quickest first. */
const TOOLS = ["micromamba", "mamba", "conda"] as const;

/** A list for pip may include files, or name folders, of the code. */
const NAMES_CODE = /^\s*-\s*["']?(?:-|\.{0,2}\/|file:)/m;

export const planConda = async ({ wanted, work, variables, path }: Ingredients): Promise<Recipe> => {
	const { file } = wanted;
	const text = readCodeFile(work, file);
	if (!/\.ya?ml$/.test(file))
		throw new AttemptError("setup", `"${file}" is no environment file: it ends in .yml or .yaml`);
	const [found] = TOOLS.flatMap((tool) => {
		const program = findProgram(tool, path);
		return program ? [{ tool, program }] : [];
	});
	if (!found) throw new AttemptError("setup", `this agent has none of ${TOOLS.join(", ")}: install one there`);
	const { tool, program } = found;
	const verbs = tool === "micromamba" ? ["create", "--yes"] : ["env", "create"];
	return {
		what: "the conda environment",
		decides: { tool, file },
		files: { [file]: text },
		needsCode: NAMES_CODE.test(text),
		commands: ({ env, source }) => [[program, ...verbs, "--prefix", env, "--file", posix.join(source, file)]],
		buildVariables: QUIET,
		programs: ({ env }) => `${env}/bin`,
		variables: ({ env }) => ({
			CONDA_PREFIX: env,
			CONDA_DEFAULT_ENV: env,
			PYTHONNOUSERSITE: "1",
			...(variables.VIRTUAL_ENV ? { VIRTUAL_ENV: "" } : {}),
		}),
		keepsSource: false,
		hasScripts: true,
		sharesFiles: true,
	};
};

const QUIET: Environment = {
	CONDA_ALWAYS_YES: "true",
	MAMBA_ALWAYS_YES: "true",
	MAMBA_NO_BANNER: "1",
	PIP_PROGRESS_BAR: "off",
	PIP_NO_INPUT: "1",
	PIP_DISABLE_PIP_VERSION_CHECK: "1",
};
