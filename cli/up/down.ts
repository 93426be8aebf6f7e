/** Stops the mesh of a home, in the foreground or detached, and whatever a killed `up` left behind. */

import type { Home } from "#shared/home.ts";
import { endLeftovers } from "./leftovers.ts";
import { homeOwner, lockHome } from "./lock.ts";
import { endProcess } from "./process-table.ts";

/** `up` gives each of its layers 5 s. */
const GRACE_MS = 20_000;

/** What was ended; empty when nothing ran. */
export const stopMesh = async (home: Home): Promise<string[]> => {
	const ended: string[] = [];
	const owner = homeOwner(home);
	if (owner) {
		await endProcess(owner.pid, owner.start, GRACE_MS);
		ended.push(`mesh (process ${owner.pid})`);
	}
	const lock = lockHome(home);
	try {
		await endLeftovers(home, (what) => ended.push(what));
	} finally {
		lock.release();
	}
	return ended;
};
