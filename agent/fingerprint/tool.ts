/** Asks a program on this host something, and does not wait for one that hangs. */

import { execFile } from "node:child_process";

export const PROBE_TIMEOUT_MS = 3_000;

const OUTPUT_LIMIT = 1024 * 1024;

/** Its output; null when there is no such program. Rejects when it fails, with what it said. */
export const askTool = (program: string, args: string[]): Promise<string | null> =>
	new Promise((resolve, reject) => {
		const limits = { timeout: PROBE_TIMEOUT_MS, killSignal: "SIGKILL", maxBuffer: OUTPUT_LIMIT } as const;
		execFile(program, args, limits, (error, stdout, stderr) => {
			if (!error) return resolve(stdout);
			if (error.code === "ENOENT") return resolve(null);
			if (error.killed) return reject(new Error(`${program} gave no answer in ${PROBE_TIMEOUT_MS / 1000} s`));
			const said = (stderr || stdout).trim().split("\n")[0];
			reject(new Error(`${program} failed: ${said || error.message}`));
		});
	});
