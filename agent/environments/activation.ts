/**
 * What an environment's own scripts set when it is switched on: conda's packages leave such scripts, and some of them
 * can't be used without. They run once, when it has been made; what they set is kept with it.
 */

import { execFile } from "node:child_process";
import type { Environment } from "../runner/setup/environment.ts";

const PATIENCE_MS = 30_000;

/** Whatever fails in one of them, the others still count: as in a shell that switches it on. */
const SCRIPT = `
tell=$(command -v env)
for script in "$1"/etc/conda/activate.d/*.sh; do [ -r "$script" ] && . "$script"; done >/dev/null
exec "$tell" -0`;

/** A shell's own, and what the agent sets itself. */
const NOT_THEIRS = new Set(["PATH", "PWD", "OLDPWD", "SHLVL", "_"]);

/** Compilers' scripts are written for bash. */
export const activationOf = async (env: string, environment: Environment): Promise<Environment> => {
	const said = (await ask("bash", env, environment)) ?? (await ask("sh", env, environment)) ?? "";
	const entries = said.split("\0").flatMap((line): [string, string][] => {
		const [, name = "", value = ""] = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(line) ?? [];
		return name === "" || NOT_THEIRS.has(name) || environment[name] === value ? [] : [[name, value]];
	});
	return Object.fromEntries(entries);
};

const ask = (shell: string, env: string, environment: Environment): Promise<string | null> =>
	new Promise((resolve) => {
		const options = { env: environment, cwd: "/", timeout: PATIENCE_MS, killSignal: "SIGKILL" } as const;
		execFile(shell, ["-c", SCRIPT, shell, env], options, (error, stdout) => resolve(error ? null : stdout));
	});
