/** Versions of what steps are commonly written in or run under. */

import { askTool } from "./tool.ts";

export interface FoundRuntimes {
	runtimes: Record<string, string>;
	problems: Record<string, string>;
}

const TOOLS: readonly [name: string, program: string, args: string[]][] = [
	["python", "python3", ["--version"]],
	["docker", "docker", ["--version"]],
	["podman", "podman", ["--version"]],
];

export const probeRuntimes = async (): Promise<FoundRuntimes> => {
	const found: FoundRuntimes = { runtimes: { node: process.version }, problems: {} };
	await Promise.all(
		TOOLS.map(async ([name, program, args]) => {
			try {
				const version = (await askTool(program, args))?.match(/\d+\.\d+[\w.+-]*/)?.[0];
				if (version) found.runtimes[name] = version;
			} catch (error) {
				found.problems[name] = (error as Error).message;
			}
		}),
	);
	return found;
};
