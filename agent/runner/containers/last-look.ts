/** What is found of a container when its client has ended, before it is removed. */

import { setTimeout as delay } from "node:timers/promises";
import type { ContainerUsage } from "./cgroup-usage.ts";
import { ClientError } from "./client.ts";
import type { EngineName } from "./engine.ts";
import type { ContainerEnd, ContainerRecord } from "./record.ts";
import { type ContainerState, hasFile, inspectContainer } from "./state.ts";

/** An engine that is restarted needs a while. */
const GONE_FOR_MS = 10_000;
const LOOK_MS = 500;

/** An engine that is away is waited for a little, for the container's sake; how the attempt ended is known by then. */
export const lookAtEnd = async (
	{ client, engine, name, program }: ContainerRecord,
	usage: ContainerUsage,
	{ stopped }: { stopped: boolean },
): Promise<ContainerEnd> => {
	let state: ContainerState | null = null;
	let unreachable = false;
	for (let waitedMs = 0; waitedMs <= GONE_FOR_MS; waitedMs += LOOK_MS) {
		try {
			state = await inspectContainer(client, name);
			break;
		} catch (error) {
			unreachable = true;
			if (!(error instanceof ClientError)) break;
			await delay(LOOK_MS);
		}
	}
	if (state && !stopped && wasKilled(state)) {
		// Not by us: an engine that ends takes its containers along, and is gone a moment later.
		await delay(LOOK_MS);
		await inspectContainer(client, name).catch(() => {
			unreachable = true;
		});
	}
	const programMissing =
		state !== null &&
		mayHaveBeenMissing(state, engine) &&
		program.startsWith("/") &&
		!(await hasFile(client, name, program));
	return { state, unreachable, programMissing, usage };
};

/** By SIGKILL or SIGTERM. */
const wasKilled = ({ running, outOfMemory, exitCode }: ContainerState): boolean =>
	!running && !outOfMemory && (exitCode === 137 || exitCode === 143);

/** Podman's init leaves with 1 when it finds no such program. */
const mayHaveBeenMissing = ({ started, exitCode }: ContainerState, engine: EngineName): boolean =>
	started && (exitCode === 126 || exitCode === 127 || (exitCode === 1 && engine === "podman"));
