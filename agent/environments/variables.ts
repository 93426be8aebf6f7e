/** Variables by which people tell package tools where to look: they hold for building an environment too. */

import type { Environment } from "../runner/setup/environment.ts";

const TOOLS = /^(?:PIP|UV|NPM_CONFIG|CONDA|MAMBA)_/;
/** What a shell with an environment switched on says of that. */
const OF_A_SHELL = /^(?:CONDA_(?:PREFIX|DEFAULT_ENV|SHLVL|EXE|PYTHON_EXE|PROMPT_MODIFIER)|MAMBA_EXE)/;

/** uv goes by names of its own. */
const alsoForUv: Readonly<Record<string, string>> = {
	PIP_INDEX_URL: "UV_DEFAULT_INDEX",
	PIP_EXTRA_INDEX_URL: "UV_INDEX",
	PIP_NO_INDEX: "UV_NO_INDEX",
	PIP_FIND_LINKS: "UV_FIND_LINKS",
};

/** Those of the agent, and over them those of the step. */
export const buildVariables = (ofStep: Environment, ofAgent: NodeJS.ProcessEnv = process.env): Environment => {
	const found: Environment = {};
	for (const [name, value] of [...Object.entries(ofAgent), ...Object.entries(ofStep)]) {
		if (value !== undefined && TOOLS.test(name) && !OF_A_SHELL.test(name)) found[name] = value;
	}
	for (const [name, other] of Object.entries(alsoForUv)) {
		const value = found[name];
		if (value !== undefined) found[other] ??= other === "UV_FIND_LINKS" ? value.trim().replace(/\s+/g, ",") : value;
	}
	return found;
};
