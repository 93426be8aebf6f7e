/** The command as a supervisor runs it: folder, environment and arguments, as a script that it reads. */

import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter } from "node:path";
import type { Task } from "#shared/domain.ts";
import { quote } from "../../system/shell.ts";
import { AttemptError } from "../failure.ts";
import type { AttemptPaths } from "../files/paths.ts";
import type { Environment } from "./environment.ts";

/** `base` is the supervisors' own environment: only what differs is set. Throws where the command can't start. */
export const launchScript = (task: Task, paths: AttemptPaths, env: Environment, base: Environment): string => {
	if (task.action.kind !== "command") throw new AttemptError("launch", "a no-op has no process");
	const { shell, command, workdir } = task.action;
	checkInterpreter(shell[0] ?? "", env.PATH ?? "");
	const cwd = workingFolder(paths.work, workdir);
	const own = Object.entries(env).filter(([name, value]) => base[name] !== value);
	const assign = ([name, value]: [string, string]): string => `${name}=${quote(value)}`;
	const byEnv = own.filter(([name]) => KEPT_BY_SHELLS.has(name)).map(assign);
	const program = programOf(shell, command);
	const needsEnv = byEnv.length > 0 || NOT_PROGRAMS.has(program[0] ?? "");
	const words = [
		...own.filter(([name]) => !KEPT_BY_SHELLS.has(name)).map(assign),
		...(needsEnv ? ["env", ...byEnv] : []),
		...program.map(quote),
	];
	return `cd ${quote(cwd)} && ${words.join(" ")}\n`;
};

/** Variables that a shell keeps to itself; it would refuse to set them for a command. */
const KEPT_BY_SHELLS = new Set([
	...["_", "OPTIND", "PPID", "UID", "EUID", "GROUPS", "LINENO", "RANDOM", "SECONDS"],
	...["SHELLOPTS", "BASHOPTS", "BASH_VERSINFO"],
]);

/** What a POSIX shell does by itself, or takes for more than a name; its supervisor must not do it for a step. */
const NOT_PROGRAMS = new Set([
	...["if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in", "function"],
	...["select", "time", "coproc", "alias", "bg", "bind", "break", "builtin", "caller", "cd", "chdir", "command"],
	...["compgen", "complete", "continue", "declare", "dirs", "disown", "echo", "enable", "eval", "exec", "exit"],
	...["export", "false", "fc", "fg", "getopts", "hash", "help", "history", "jobs", "kill", "let", "local", "logout"],
	...["mapfile", "popd", "printf", "pushd", "pwd", "read", "readarray", "readonly", "return", "set", "shift", "shopt"],
	...["source", "suspend", "test", "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset"],
	...["wait", ".", ":"],
]);

const PLAIN_WORDS = /^[A-Za-z0-9_.,:@%+/-]+( +[A-Za-z0-9_.,:@%+/=-]+)*$/;

/**
 * A program with plain arguments, as most commands are, needs no shell between: it is started at once, and gets
 * signals itself.
 */
export const programOf = (shell: readonly string[], command: string): string[] => {
	const words = command.trim().split(/ +/);
	const isPlain = shell.join(" ") === "/bin/sh -c" && PLAIN_WORDS.test(command.trim());
	return isPlain && !NOT_PROGRAMS.has(words[0] ?? "") ? words : [...shell, command];
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
export const workingFolder = (work: string, workdir: string): string => {
	if (workdir === "") return work;
	const refuse = (why: string): never => {
		throw new AttemptError("launch", `the workdir "${workdir}" ${why}`);
	};
	const path = `${work}/${workdir}`;
	if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return refuse("is no folder of the code tree");
	const [root, real] = [realpathSync(work), realpathSync(path)];
	return real === root || real.startsWith(`${root}/`) ? path : refuse("leads outside the code tree");
};
