/** What the making of an environment starts is marked, so that whatever leaves its group can be found and ended. */

import { attemptOf, processIds } from "../system/proc.ts";
import { signalProcess } from "../system/process.ts";

/** Not a step's, but marked in the same way: by its folder, for other agents of the machine may be making the same. */
export const markOf = (home: string): { RUNMESH_ATTEMPT: string } => ({ RUNMESH_ATTEMPT: home });

/** One that is killed may just be starting another. */
const ROUNDS = 10;

/** All that are left of it; on Linux alone the system tells. */
export const endMarked = (home: string): void => {
	if (process.platform !== "linux") return;
	for (let round = 0; round < ROUNDS; round++) {
		const left = processIds().filter((pid) => attemptOf(pid) === markOf(home).RUNMESH_ATTEMPT);
		for (const pid of left) signalProcess(pid, "SIGKILL");
		if (left.length === 0) return;
	}
};
