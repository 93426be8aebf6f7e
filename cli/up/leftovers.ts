/**
 * Processes that a killed `up` left behind. Coordinator and agents end by themselves when their channel to it
 * closes; nats-server has none, and two servers on one store would ruin it. Called with the home's lock held.
 */

import { readFileSync } from "node:fs";
import type { Home } from "#shared/home.ts";
import { readMesh } from "#shared/mesh.ts";
import { processStart } from "#shared/process.ts";
import { natsConfigPath, natsPidPath } from "./nats-config.ts";
import { commandLine, endProcess } from "./process-table.ts";

const GRACE_MS = 5_000;

/** Ends them all and waits until they are gone; `onEnded` hears of each. */
export const endLeftovers = async (home: Home, onEnded: (what: string) => void): Promise<void> => {
	const found = [embeddedNats(home), ...meshProcesses(home)].filter((leftover) => leftover !== null);
	await Promise.all(
		found.map(async ({ name, pid, start }) => {
			await endProcess(pid, start, GRACE_MS);
			onEnded(`${name} (process ${pid}), left by an earlier start`);
		}),
	);
};

interface Leftover {
	name: string;
	pid: number;
	start: string;
}

/** The pid may have gone to another program since: only one with our folder in its arguments is ours. */
const ours = (name: string, pid: number, argument: string): Leftover | null => {
	if (!Number.isSafeInteger(pid) || pid <= 1 || pid === process.pid) return null;
	const start = processStart(pid);
	return start !== null && commandLine(pid).includes(argument) ? { name, pid, start } : null;
};

/** By the pid file that the server writes itself: there is no moment when it runs unrecorded and takes clients. */
export const embeddedNats = (home: Home): Leftover | null => {
	let pid: number;
	try {
		pid = Number(readFileSync(natsPidPath(home.nats), "utf8").trim());
	} catch {
		return null;
	}
	return ours("nats-server", pid, natsConfigPath(home.nats));
};

const meshProcesses = (home: Home): (Leftover | null)[] =>
	Object.entries(readMesh(home)?.processes ?? {})
		.filter(([name]) => name !== "nats-server")
		.map(([name, pid]) => ours(name, pid, `--home ${home.root}`));
