/** `runmesh agent uninstall`: the service goes; the home, and what it knows of the mesh, stay unless told otherwise. */

import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { lockOwner } from "#shared/lock.ts";
import { homeOwner } from "../up/lock.ts";
import { attemptsUnderWay } from "./attempts.ts";
import { requireRights } from "./home.ts";
import { removeJob } from "./launchctl.ts";
import { plistPath } from "./launchd.ts";
import { removeUnit } from "./systemctl.ts";
import { unitPath } from "./systemd.ts";

export interface UninstallRequest {
	home: Home;
	system: boolean;
	/** Though attempts run: they run on, and nobody takes their outcome. */
	force: boolean;
	/** The home goes too. */
	purge: boolean;
}

export interface Uninstalled {
	home: string;
	/** Whether there was a service. */
	removed: boolean;
	purged: boolean;
	/** That run on. */
	attempts: string[];
}

export const uninstallAgent = async (
	{ home, system, force, purge }: UninstallRequest,
	env: NodeJS.ProcessEnv = process.env,
	platform: NodeJS.Platform = process.platform,
): Promise<Uninstalled> => {
	requireRights(system);
	const attempts = attemptsUnderWay(home);
	if (attempts.length > 0 && !force) {
		throw new RunmeshError(
			"RM_CONFLICT",
			`attempts are not over here: ${attempts.slice(0, 5).join(", ")}${attempts.length > 5 ? ", …" : ""}`,
			{
				hint: "drain the agent first (`runmesh agents drain`), or let them run on without it with --force",
			},
		);
	}
	if (purge) refusePurge(home);
	const removed = await remove(home, system, env, platform);
	if (purge) {
		refuseInUse(home);
		rmSync(home.root, { recursive: true, force: true, maxRetries: 5 });
	}
	return { home: home.root, removed, purged: purge, attempts };
};

const remove = (
	home: Home,
	system: boolean,
	env: NodeJS.ProcessEnv,
	platform: NodeJS.Platform,
): Promise<boolean> | boolean => {
	if (platform === "darwin") return removeJob(plistPath(system, env), home, system);
	if (platform === "win32") {
		throw new RunmeshError("RM_BAD_INPUT", "a task is removed by the Task Scheduler itself", {
			hint: "schtasks /Delete /TN runmesh-agent",
		});
	}
	return removeUnit(unitPath(system, env), home, system);
};

/** One that was started by hand, or has not ended yet, would go on without the ground that it stands on. */
const refuseInUse = (home: Home): void => {
	const owner = lockOwner(join(home.agent, "agent.lock"));
	if (!owner) return;
	throw new RunmeshError("RM_ALREADY_UP", `an agent runs on ${home.root} (process ${owner.pid}): it is not removed`, {
		hint: "end that agent, then run the same command again",
	});
};

/** A home with a mesh of its own holds the truth of that mesh. */
const refusePurge = (home: Home): void => {
	const mesh = homeOwner(home);
	if (!mesh && !existsSync(home.nats) && !existsSync(home.coordinator)) return;
	throw new RunmeshError("RM_CONFLICT", `${home.root} holds a mesh of its own: it is not removed`, {
		hint: "leave out --purge; to remove all of it, `runmesh down` and delete the folder",
	});
};
