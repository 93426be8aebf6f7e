/** `runmesh agent install`: the agent of this home as a service that outlives the terminal, and the machine's restart. */

import { join } from "node:path";
import type { Home } from "#shared/home.ts";
import { type ServiceFile, serviceFile, writeFileAt } from "./file.ts";
import { requireJoined, requireRights } from "./home.ts";
import { startJob } from "./launchctl.ts";
import type { SpecRequest, Started } from "./spec.ts";
import { startUnit } from "./systemctl.ts";
import { serviceUser } from "./user.ts";

export interface Installed extends Started {
	manager: ServiceFile["manager"];
	name: string;
	path: string;
}

/** Once it works, or not at all. */
export const installAgent = async (
	request: SpecRequest,
	env: NodeJS.ProcessEnv = process.env,
	platform: NodeJS.Platform = process.platform,
): Promise<Installed> => {
	const { home, system } = request;
	requireRights(system);
	requireJoined(home);
	const user = system ? serviceUser(request.user, home) : null;
	const file = await serviceFile({ ...request, user }, env, platform);
	const { manager, name, path } = file;
	return { manager, name, path, ...(await register(file, home, system)) };
};

const register = (file: ServiceFile, home: Home, system: boolean): Promise<Started> | Started => {
	if (file.manager === "systemd") return startUnit(file, home, system);
	if (file.manager === "launchd") return startJob(file, home, system);
	writeFileAt(file.path, file.text);
	return {
		state: "written",
		status: `schtasks /Query /TN ${file.name}`,
		logs: `type "${join(home.logs, "agent.log")}"`,
		notes: file.commands.map((command) => `register it with: ${command}`),
	};
};

export const describeInstalled = ({ name, path, state, status, logs, notes }: Installed): string[] => [
	`${name} is installed (${path}): ${state}`,
	`  state  ${status}`,
	`  log    ${logs}`,
	...notes,
];
