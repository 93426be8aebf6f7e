/** A single node of a mesh in the foreground of this terminal, for machines that run one part alone. */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import type { Home } from "#shared/home.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Its exit code. The first signal asks it to stop, the second ends it; killed itself, this process takes it along. */
export const runNode = (home: Home, program: string, args: string[]): Promise<number> =>
	new Promise((resolve, reject) => {
		const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, ...args], {
			env: { NODE_COMPILE_CACHE: join(home.cache, "compile"), ...process.env },
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
