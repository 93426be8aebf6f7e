/** The commands that make an environment: under a shell in a group of its own, so that all of them can be ended. */

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Environment } from "../runner/setup/environment.ts";
import { signalGroup } from "../system/process.ts";
import { quote } from "../system/shell.ts";
import type { Hear } from "./voice.ts";

/** How its commands ended. */
export type CommandsEnd =
	| { kind: "done" }
	/** `command` is the one that failed; "" when it was ended from outside. */
	| { kind: "failed"; command: string; code: number }
	| { kind: "late" }
	| { kind: "unwanted" };

export interface CommandsOptions {
	commands: readonly string[][];
	cwd: string;
	env: Environment;
	/** Who the shell is, for an agent that starts after this one was killed. */
	identityPath: string;
	timeoutMs: number;
	signal: AbortSignal;
	hear: Hear;
	/** Its group has ended; what has left it may not. */
	onExit(): void;
}

/** For what was said last. */
const DRAIN_MS = 1_000;

/**
 * Tells who it is, before anything else; then one command after the other, each with its words above what it says. The
 * one that fails leaves its number and its exit code.
 */
const scriptOf = (commands: readonly string[][]): string => `
self="- $$"
if [ -r /proc/sys/kernel/random/boot_id ]; then
	read -r boot </proc/sys/kernel/random/boot_id
	read -r stat <"/proc/$$/stat"
	self="$boot $stat"
fi
echo "$self" >"$0" || exit
${commands.map(lineOf).join("")}`;

const lineOf = (words: readonly string[], index: number): string => `
printf '%s\\n' ${quote(`$ ${shown(words)}`)}
${words.map(quote).join(" ")} </dev/null || { echo "${index} $?" >"$0.failed"; exit 1; }
`;

const failedOf = (commands: readonly string[][], identityPath: string): CommandsEnd => {
	let left = "";
	try {
		left = readFileSync(`${identityPath}.failed`, "utf8");
	} catch {
		// None of them has ended by itself.
	}
	const [index = "", code = ""] = left.trim().split(" ");
	return { kind: "failed", command: shown(commands[Number.parseInt(index, 10)] ?? []), code: Number(code) };
};

/** Programs by their names alone, options as they are. */
const shown = ([program = "", ...args]: readonly string[]): string =>
	[program.slice(program.lastIndexOf("/") + 1), ...args].join(" ").trim();

export const runCommands = (options: CommandsOptions): Promise<CommandsEnd> =>
	new Promise((resolve, reject) => {
		const { commands, cwd, env, identityPath, timeoutMs, signal, hear, onExit } = options;
		if (signal.aborted) return resolve({ kind: "unwanted" });
		let child: ChildProcess;
		try {
			const stdio: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];
			child = spawn("/bin/sh", ["-c", scriptOf(commands), identityPath], { cwd, env, detached: true, stdio });
		} catch (error) {
			return reject(error);
		}
		let cut: CommandsEnd | null = null;
		const endAll = (): void => {
			if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
		};
		const cutShort = (end: CommandsEnd): void => {
			cut ??= end;
			endAll();
		};
		const onAbort = (): void => cutShort({ kind: "unwanted" });
		const late = setTimeout(() => cutShort({ kind: "late" }), timeoutMs);
		signal.addEventListener("abort", onAbort);
		for (const stream of [child.stdout, child.stderr]) stream?.on("data", hear);
		// What a command left behind holds the pipes open.
		child.once("exit", () => {
			endAll();
			onExit();
			for (const stream of [child.stdout, child.stderr]) setTimeout(() => stream?.destroy(), DRAIN_MS);
		});
		const settle = (): void => {
			clearTimeout(late);
			signal.removeEventListener("abort", onAbort);
		};
		child.once("error", (error) => {
			settle();
			reject(error);
		});
		child.once("close", (code) => {
			settle();
			if (cut) resolve(cut);
			else resolve(code === 0 ? { kind: "done" } : failedOf(commands, identityPath));
		});
	});
