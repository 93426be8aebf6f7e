/** A virtual environment of Python: by uv where the agent has it, else by python's own venv and pip. */

import { AttemptError } from "../runner/failure.ts";
import type { Environment } from "../runner/setup/environment.ts";
import type { Ingredients, Recipe } from "./plan.ts";
import { readRequirements } from "./requirements.ts";
import { askProgram, findProgram } from "./tools.ts";

export const planPython = async ({ wanted, work, variables, path }: Ingredients): Promise<Recipe> => {
	const { file, packages, version } = wanted;
	const { files, needsCode } = file === "" ? { files: {}, needsCode: false } : readRequirements(work, file);
	const uv = findProgram("uv", path);
	const interpreter = await findPython(version, uv, path, variables);
	const wants = [...(file === "" ? [] : ["-r", file]), ...packages];
	return {
		what: "the Python environment",
		decides: { tool: uv ? "uv" : "pip", interpreter, packages, file },
		files,
		needsCode,
		commands: ({ env }) => [
			uv
				? [uv, "venv", "--quiet", "--no-project", "--python", interpreter.executable, env]
				: [interpreter.executable, "-m", "venv", env],
			...(wants.length === 0 ? [] : [[...installer(uv, env), ...wants]]),
		],
		buildVariables: QUIET,
		programs: ({ env }) => `${env}/bin`,
		variables: ({ env }) => ({ VIRTUAL_ENV: env, ...(variables.CONDA_PREFIX ? { CONDA_PREFIX: "" } : {}) }),
		keepsSource: false,
		hasScripts: false,
		sharesFiles: false,
	};
};

/** Compiled now, for later nobody may write there. */
const installer = (uv: string | null, env: string): string[] =>
	uv
		? [uv, "pip", "install", "--python", `${env}/bin/python`, "--compile-bytecode"]
		: [`${env}/bin/python`, "-m", "pip", "install"];

const QUIET: Environment = {
	PIP_DISABLE_PIP_VERSION_CHECK: "1",
	PIP_NO_INPUT: "1",
	PIP_PROGRESS_BAR: "off",
	PIP_ROOT_USER_ACTION: "ignore",
	UV_NO_PROGRESS: "1",
	// A hard link would make the tool's own cache read-only.
	UV_LINK_MODE: "copy",
	UV_PYTHON_DOWNLOADS: "never",
	PYTHONUNBUFFERED: "1",
};

interface Interpreter {
	/** Itself, not a shim that stands for it. */
	executable: string;
	version: string;
}

const SELF = "import sys, platform; print(sys.executable); print(platform.python_version())";

const findPython = async (
	version: string,
	uv: string | null,
	path: readonly string[],
	env: Environment,
): Promise<Interpreter> => {
	const [major = "3", minor = ""] = version.split(".");
	const names = [...new Set([minor === "" ? "python3" : `python${major}.${minor}`, "python3", "python"])];
	const others: string[] = [];
	const ask = async (program: string): Promise<Interpreter | null> => {
		const [executable = "", found = ""] = (await askProgram(program, ["-I", "-c", SELF], env))?.split(/\r?\n/) ?? [];
		if (found === "" || executable === "") return null;
		if (version === "" || found === version || found.startsWith(`${version}.`)) return { executable, version: found };
		others.push(found);
		return null;
	};
	for (const name of names) {
		const program = findProgram(name, path);
		const interpreter = program && (await ask(program));
		if (interpreter) return interpreter;
	}
	// Those that uv has installed are not on PATH.
	const never = { ...env, UV_PYTHON_DOWNLOADS: "never" };
	const elsewhere = uv && (await askProgram(uv, ["python", "find", "--no-project", version || "3"], never));
	const interpreter = elsewhere ? await ask(elsewhere) : null;
	if (interpreter) return interpreter;
	const there = others.length === 0 ? "has no Python" : `has ${[...new Set(others)].join(" and ")}`;
	const asked = version === "" ? "Python is wanted" : `Python ${version} is wanted`;
	throw new AttemptError(
		"setup",
		`${asked}, and this agent ${there}: install it there, or run the step elsewhere by labels`,
	);
};
