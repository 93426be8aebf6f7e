/** Says why output does not arrive at the coordinator: a wrong token needs a person, a lost connection only time. */

import type { Logger } from "pino";
import { monotonicClock } from "#shared/clock.ts";
import type { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { rarely } from "../link/rarely.ts";

export const logProblems = (home: Home, log: Logger): ((error: RunmeshError) => void) => {
	const refused = rarely((error: RunmeshError) => {
		const hint = `the mesh token comes from RUNMESH_MESH_TOKEN, else from ${home.credentials}: bring the mesh's own there and start the agent again`;
		log.warn({ code: error.code, hint }, `steps' output is kept here, the coordinator refuses it: ${error.message}`);
	}, monotonicClock.nowMs);
	const lost = rarely((error: RunmeshError) => {
		log.info({ code: error.code }, `steps' output waits for the coordinator: ${error.message}`);
	}, monotonicClock.nowMs);
	return (error) => (error.code === "RM_UNAUTHENTICATED" ? refused(error) : lost(error));
};
