/** The command line as a person starts it: the real entry in a process of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../bin/runmesh.mjs", import.meta.url));

export interface Finished {
	code: number | null;
	stdout: Buffer;
	stderr: string;
}

export interface Running {
	readonly pid: number;
	/** What it has printed so far. */
	text(): string;
	/** Resolves when what it printed matches; rejects, with all it said, when it ends before. */
	printed(pattern: RegExp): Promise<void>;
	readonly finished: Promise<Finished>;
	kill(signal?: NodeJS.Signals): void;
}

/** The surroundings of one home: no other mesh's address or token comes in from outside. */
export const homeEnv = (home: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => {
	const { RUNMESH_URL: _, RUNMESH_TOKEN: _t, NO_COLOR: _n, FORCE_COLOR: _f, ...rest } = process.env;
	return { ...rest, RUNMESH_HOME: home, ...more };
};

export const startCommand = (args: string[], env: NodeJS.ProcessEnv): Running => {
	const child: ChildProcess = spawn(process.execPath, [bin, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
	const stdout: Buffer[] = [];
	let stderr = "";
	let onNews = (): void => undefined;
	child.stdout?.on("data", (chunk: Buffer) => {
		stdout.push(chunk);
		onNews();
	});
	child.stderr?.on("data", (chunk: Buffer) => {
		stderr += chunk;
		onNews();
	});
	const text = (): string => Buffer.concat(stdout).toString("utf8");
	const finished = once(child, "close").then(([code]) => {
		onNews();
		return { code: code as number | null, stdout: Buffer.concat(stdout), stderr };
	});
	return {
		pid: child.pid ?? 0,
		text,
		printed: (pattern) =>
			new Promise((resolve, reject) => {
				const look = (): void => {
					if (pattern.test(text()) || pattern.test(stderr)) resolve();
				};
				onNews = look;
				look();
				void finished.then(() => reject(new Error(`it ended without ${pattern}:\n${text()}${stderr}`)));
			}),
		finished,
		kill: (signal = "SIGKILL") => void child.kill(signal),
	};
};
