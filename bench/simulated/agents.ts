/**
 * Simulated agents: one process that speaks for many of them on NATS as real agents do, with adverts, heartbeats,
 * tasks and reports, and runs nothing. Told to, it lets tasks end; until then they run.
 */

import { fileURLToPath } from "node:url";
import type { RunningMesh } from "#cli/up/up.ts";
import { startHelper } from "../child.ts";
import type { SimulatedOptions } from "./process.ts";

export interface SimulatedAgents {
	/** Resolves when so many tasks have come in all. */
	tasksTaken(count: number): Promise<void>;
	/** So many as of now; a task that comes again while its attempt is held is none. */
	taken(): number;
	/** From now on a task ends as soon as it has come, and those that are here end. */
	release(): void;
	close(): Promise<void>;
}

const program = fileURLToPath(new URL("./process.ts", import.meta.url));

/** Resolves when every agent has been heard by the coordinator. */
export const startSimulatedAgents = async (
	mesh: Pick<RunningMesh, "nats" | "home">,
	options: Omit<SimulatedOptions, "nats" | "home">,
): Promise<SimulatedAgents> => {
	const given: SimulatedOptions = { ...options, nats: mesh.nats, home: mesh.home.root };
	const { child, failed, close } = await startHelper(program, [JSON.stringify(given)]);
	let taken = 0;
	let onTaken = (): void => undefined;
	child.on("message", (message: { taken: number }) => {
		taken = message.taken;
		onTaken();
	});
	const tasksTaken = async (count: number): Promise<void> => {
		const enough = new Promise<void>((resolve) => {
			onTaken = () => {
				if (taken >= count) resolve();
			};
		});
		onTaken();
		await Promise.race([enough, failed]);
	};
	return { tasksTaken, taken: () => taken, release: () => void child.send("release"), close };
};
