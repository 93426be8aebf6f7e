/** Container engines: only one that answers can run a step. Its client may be there while it is not. */

import type { Probe } from "./probe.ts";
import { parseVersion } from "./runtimes.ts";
import { askTool } from "./tool.ts";

/** An engine that wakes up for the question takes its time. */
const TIMEOUT_MS = 8_000;

/** `args` ask the engine, not the client alone. */
const engineProbe = (name: string, args: string[]): Probe => ({
	name,
	timeoutMs: TIMEOUT_MS,
	find: async () => {
		let version: string;
		try {
			const text = await askTool(name, args, TIMEOUT_MS);
			if (text === null) return {};
			version = parseVersion(text);
			if (version === "") throw new Error(`${name} names no version of its engine`);
		} catch (error) {
			const why = (error as Error).message.slice(0, 300);
			// No engine, though there may have been one at the last look.
			return { problems: { [name]: `the client is there but the engine can't be used: ${why}` } };
		}
		return { runtimes: { [name]: version } };
	},
});

export const engineProbes: readonly Probe[] = [
	engineProbe("docker", ["version", "--format", "{{.Server.Version}}"]),
	// Without a daemon: only what looks at its storage and its rights tells whether it can run anything.
	engineProbe("podman", ["info", "--format", "{{.Version.Version}}"]),
];
