/** What must hold before a service is made of a home's agent. */

import { join } from "node:path";
import { readCredentials } from "#shared/credentials.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { lockOwner } from "#shared/lock.ts";
import { homeOwner } from "../up/lock.ts";

export const requireRights = (system: boolean): void => {
	if (!system || process.getuid?.() === 0) return;
	throw new RunmeshError("RM_BAD_INPUT", "a service of the whole machine needs root", {
		hint: "run it with sudo, or leave out --system: a service of your own needs none",
	});
};

export const requireJoined = (home: Home): void => {
	if (!readCredentials(home, {})) {
		throw new RunmeshError("RM_UNAUTHENTICATED", `${home.root} has joined no mesh: there is nothing to start`, {
			hint: "join first: `runmesh agent join <url> --token <token>`",
		});
	}
	const mesh = homeOwner(home);
	if (!mesh) return;
	throw new RunmeshError(
		"RM_ALREADY_UP",
		`a mesh runs on ${home.root} (process ${mesh.pid}), with an agent of its own`,
		{
			hint: "install an agent in a home that has joined a mesh",
		},
	);
};

/** One that was started by hand; the service's own is no hindrance. */
export const refuseForeignAgent = (home: Home, ownPid: number): void => {
	const owner = lockOwner(join(home.agent, "agent.lock"));
	if (!owner || owner.pid === ownPid) return;
	throw new RunmeshError("RM_ALREADY_UP", `an agent already runs on ${home.root} (process ${owner.pid})`, {
		hint: "stop it first; its attempts run on, and the service takes them up",
	});
};

/** `other` is the home that the service's file was made for; null when it is none of ours. */
export const refuseOtherHome = (path: string, other: string | null, home: Home): void => {
	if (other === home.root) return;
	throw new RunmeshError("RM_CONFLICT", `${path} is ${other === null ? "not ours" : `the agent of ${other}`}`, {
		hint:
			other === null ? "move it away first" : `uninstall that one first: \`runmesh agent uninstall --home ${other}\``,
	});
};
