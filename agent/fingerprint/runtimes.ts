/** Versions of what steps are commonly written in, and of the tools that make their environments. */

import type { Probe } from "./probe.ts";
import { askTool } from "./tool.ts";

/** Python itself starts them, from a disk that may be slow. */
const CONDA_TIMEOUT_MS = 10_000;

const versionProbe = (name: string, program: string, args: string[], timeoutMs?: number): Probe => ({
	name,
	...(timeoutMs === undefined ? {} : { timeoutMs }),
	find: async () => {
		const text = await askTool(program, args, timeoutMs);
		if (text === null) return {};
		const version = parseVersion(text);
		if (version === "") throw new Error(`${program} names no version: ${text.trim().slice(0, 80)}`);
		return { runtimes: { [name]: version } };
	},
});

/** "Python 3.11.4", "uv 0.5.1 (f399a5271 2024-11-08)", "conda 24.9.2", "2.0.2" → the version in it; "" without. */
export const parseVersion = (text: string): string => /\d+\.\d+[\w.+-]*/.exec(text)?.[0] ?? "";

export const runtimeProbes: readonly Probe[] = [
	versionProbe("python", process.platform === "win32" ? "python" : "python3", ["--version"]),
	versionProbe("uv", "uv", ["--version"]),
	versionProbe("conda", "conda", ["--version"], CONDA_TIMEOUT_MS),
	versionProbe("mamba", "mamba", ["--version"], CONDA_TIMEOUT_MS),
	versionProbe("micromamba", "micromamba", ["--version"]),
	versionProbe("nvidia-container-toolkit", "nvidia-ctk", ["--version"]),
];
