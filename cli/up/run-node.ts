/**
 * A single node of a mesh in the foreground of this terminal, for machines that run one part alone. Where the system
 * lets it, this process becomes the node: a second one that only waits would cost its machine half as much again.
 */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import type { Home } from "#shared/home.ts";
import { leanMalloc, nodeFlags } from "./programs.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Its exit code, where it had to be a process of its own. */
export const runNode = (home: Home, program: string, args: string[]): Promise<number> => {
	const nodeArgs = [...nodeFlags, program, ...args];
	const env = { NODE_COMPILE_CACHE: join(home.cache, "compile"), ...leanMalloc, ...process.env };
	// An older Node, and Windows, have none.
	if (process.platform !== "win32") process.execve?.(process.execPath, [process.execPath, ...nodeArgs], env);
	return runChild(nodeArgs, env);
};

/** The first signal asks it to stop, the second ends it; killed itself, this process takes it along. */
const runChild = (nodeArgs: string[], env: NodeJS.ProcessEnv): Promise<number> =>
	new Promise((resolve, reject) => {
		const child = spawn(process.execPath, nodeArgs, {
			env,
			// A group of its own, so that Ctrl-C comes to it once, through here.
			detached: true,
			stdio: ["ignore", "inherit", "inherit", "ipc"],
		});
		let asked = false;
		const onSignal = (): void => {
			child.kill(asked ? "SIGKILL" : "SIGTERM");
			asked = true;
		};
		for (const name of signals) process.on(name, onSignal);
		const settle = (how: () => void): void => {
			for (const name of signals) process.off(name, onSignal);
			how();
		};
		child.once("error", (error) => settle(() => reject(error)));
		child.once("exit", (code, signal) => settle(() => resolve(code ?? 128 + constants.signals[signal ?? "SIGKILL"])));
	});
