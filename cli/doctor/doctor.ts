/** All checks of `runmesh doctor`, at once. */

import type { Home } from "#shared/home.ts";
import { readJoined } from "#shared/joined.ts";
import { checkEngines, checkJoined, checkLimits, checkService, checkShell } from "./agent.ts";
import type { Check, Verdict } from "./check.ts";
import { checkGpu } from "./gpu.ts";
import { checkCredentials, checkHome, checkNatsServer, checkNode, checkOnnxRuntime } from "./host.ts";
import { checkCoordinator, checkPorts, checkProcesses, runningMesh } from "./mesh.ts";

export interface Diagnosis {
	/** The worst of all. */
	verdict: Verdict;
	checks: Check[];
}

/** `url` is of a coordinator that the user named; null leaves it to the home's mesh. */
export const diagnose = async (home: Home, url: string | null, env: NodeJS.ProcessEnv): Promise<Diagnosis> => {
	const mesh = runningMesh(home);
	const joined = readJoined(home);
	const coordinator = url ?? mesh?.url ?? null;
	const found = await Promise.all([
		checkNode(),
		checkNatsServer(home, env),
		checkHome(home),
		checkCredentials(home),
		checkProcesses(home, mesh),
		// One that has joined listens where its agent.json says, and is no mesh of its own.
		...(mesh === null && joined ? [] : [checkPorts(mesh)]),
		...(coordinator === null ? [] : [checkCoordinator(coordinator)]),
		checkOnnxRuntime(),
		checkGpu(env),
		checkShell(),
		checkLimits(),
		checkEngines(),
		checkJoined(home),
		checkService(home, env),
	]);
	const checks = found.filter((check) => check !== null);
	const worst = (["fail", "warn"] as const).find((verdict) => checks.some((check) => check.verdict === verdict));
	return { verdict: worst ?? "ok", checks };
};
