/** Starts an attempt's process under its supervisor, which the agent's own end does not touch. */

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, closeSync, constants, openSync, realpathSync, statSync } from "node:fs";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import type { Task } from "#shared/domain.ts";
import type { Environment } from "./environment.ts";
import { AttemptError } from "./failure.ts";
import type { AttemptPaths } from "./paths.ts";

const supervisor = fileURLToPath(new URL("./supervise.sh", import.meta.url));

/** The child is the supervisor; it ends when the command has ended and its exit record is written. */
export const launchSupervisor = (task: Task, paths: AttemptPaths, env: Environment): ChildProcess => {
	if (task.action.kind !== "command") throw new AttemptError("launch", "a no-op has no process");
	const { shell, command, workdir } = task.action;
	checkInterpreter(shell[0] ?? "", env.PATH ?? "");
	const cwd = workdir === "" ? paths.work : checkWorkdir(paths.work, workdir);
	const stdout = openSync(paths.stdout, "a", 0o600);
	const stderr = openSync(paths.stderr, "a", 0o600);
	try {
		const child = spawn("/bin/sh", [supervisor, paths.folder, ...shell, command], {
			cwd,
			env,
			detached: true,
			stdio: ["ignore", stdout, stderr],
		});
		child.unref();
		return child;
	} finally {
		closeSync(stdout);
		closeSync(stderr);
	}
};

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
