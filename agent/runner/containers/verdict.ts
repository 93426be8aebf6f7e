/** How an attempt ended, from what its supervisor saw of the engine's client and what the engine says of the container. */

import type { FailureCause } from "#shared/domain.ts";
import { formatBytes } from "#shared/pipeline/units.ts";
import type { Exit } from "../../core/inputs.ts";
import type { ContainerEnd, ContainerRecord } from "./record.ts";

/** Clients leave with these for reasons of their own. */
const CLIENTS_OWN = 125;
const NOT_FOUND = 127;
/** By SIGKILL. */
const KILLED = 137;

export const exitOfContainer = (exit: Exit, end: ContainerEnd, record: ContainerRecord): Exit => {
	const { state, unreachable, usage } = end;
	const { engine, image, program } = record;
	const because = (cause: FailureCause, message: string): Exit => ({ ...exit, why: { cause, message } });
	const lost = (why: string): Exit => ({ exitCode: null, signal: "", vanished: why, atMs: exit.atMs });
	const { exitCode } = exit;

	if (unreachable) {
		// A client that was there to the end knows how it ended, unless it is the engine that is gone.
		return exitCode === 0 ? exit : lost(`${engine}, which ran its container, does not answer any more`);
	}
	if (state === null) {
		if (exitCode === null || exitCode === 0) return exitCode === 0 ? exit : lost(exit.vanished);
		if (exitCode === CLIENTS_OWN) return because("setup", `${engine} could not make its container${ADVICE}`);
		return lost("its container was removed from outside");
	}
	if (state.running) return lost(`its ${engine} client was killed from outside; the container was ended`);
	if (!state.started) {
		if (exitCode === null) return lost(exit.vanished);
		return state.exitCode === NOT_FOUND || exitCode === NOT_FOUND
			? because("launch", `${program} can't be run in the image ${image}`)
			: because("setup", `${engine} could not start its container${ADVICE}`);
	}
	const wasKilled = state.outOfMemory || (state.exitCode === KILLED && usage.memoryKills > 0);
	if (wasKilled && state.exitCode !== 0) {
		const limit =
			record.memoryBytes > 0 ? `its limit of ${formatBytes(record.memoryBytes)}` : "the limit of its container";
		return because("oom", `out of memory: killed at ${limit}`);
	}
	if (exitCode === null) return lost(exit.vanished);
	if (exitCode !== state.exitCode) {
		const who = exitCode === CLIENTS_OWN ? `${engine} was stopped` : `its ${engine} client was killed from outside`;
		return lost(`${who} while it ran`);
	}
	if (end.programMissing) return because("launch", `the image ${image} has no ${program}`);
	return exit;
};

const ADVICE = ": it says why";
