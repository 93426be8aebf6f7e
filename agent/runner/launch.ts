/** What a supervisor needs to start its command: environment, folder and arguments, as a script that it reads. */

import { accessSync, constants, realpathSync, statSync, writeFileSync } from "node:fs";
import { delimiter } from "node:path";
import type { Task } from "#shared/domain.ts";
import type { Environment } from "./environment.ts";
import { AttemptError } from "./failure.ts";
import type { AttemptPaths } from "./paths.ts";

/** `base` is the launcher's own environment: only what differs is written. Throws where the command can't start. */
export const writeLaunchScript = (task: Task, paths: AttemptPaths, env: Environment, base: Environment): void => {
	if (task.action.kind !== "command") throw new AttemptError("launch", "a no-op has no process");
	const { shell, command, workdir } = task.action;
	checkInterpreter(shell[0] ?? "", env.PATH ?? "");
	const cwd = workdir === "" ? paths.work : checkWorkdir(paths.work, workdir);
	const own = Object.entries(env).filter(([name, value]) => base[name] !== value);
	writeFileSync(
		paths.launch,
		[
			...own.map(([name, value]) => `export ${name}=${quote(value)}`),
			`cd ${quote(cwd)}`,
			`set -- ${[...shell, command].map(quote).join(" ")}`,
			"",
		].join("\n"),
		{ mode: 0o600 },
	);
};

/** For a shell: taken as it stands. */
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const checkInterpreter = (program: string, path: string): void => {
	const candidates = program.includes("/")
		? [program]
		: path.split(delimiter).map((folder) => `${folder || "."}/${program}`);
	if (candidates.some(isExecutable)) return;
	const where = program.includes("/") ? "" : ` in PATH (${path})`;
	throw new AttemptError("launch", `the interpreter "${program}" was not found${where}`);
};

const isExecutable = (path: string): boolean => {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
};

/** A symbolic link in the code may not lead out of it. */
const checkWorkdir = (work: string, workdir: string): string => {
	const refuse = (why: string): never => {
		throw new AttemptError("launch", `the workdir "${workdir}" ${why}`);
	};
	const path = `${work}/${workdir}`;
	if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return refuse("is no folder of the code tree");
	const [root, real] = [realpathSync(work), realpathSync(path)];
	return real === root || real.startsWith(`${root}/`) ? path : refuse("leads outside the code tree");
};
