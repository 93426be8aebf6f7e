/** A systemd unit of ours: started so that it is there after a failure as it was before, or not at all. */

import { userInfo } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { readFileAt, restoreFile, type ServiceFile, writeFileAt } from "./file.ts";
import { refuseForeignAgent, refuseOtherHome } from "./home.ts";
import { type Said, say } from "./manager.ts";
import type { Started } from "./spec.ts";
import { homeOfUnit, UNIT } from "./systemd.ts";

/** So long a unit that fails at once shows it. */
const WATCHED_MS = 1_500;

const systemctl = (system: boolean, ...args: string[]): Promise<Said> =>
	say("systemctl", ...(system ? [] : ["--user"]), ...args);

const shown = (system: boolean): string => (system ? "systemctl" : "systemctl --user");

export const startUnit = async (file: ServiceFile, home: Home, system: boolean): Promise<Started> => {
	await requireManager(system);
	const before = readFileAt(file.path);
	if (before !== null) refuseOtherHome(file.path, homeOfUnit(before), home);
	const running = await systemctl(system, "show", UNIT, "--property=MainPID", "--value");
	refuseForeignAgent(home, Number(running.text));
	try {
		writeFileAt(file.path, file.text);
		await must(system, "daemon-reload");
		await must(system, "enable", UNIT);
		// Of one that runs already the new file counts from now on; its steps go on.
		await must(system, "restart", UNIT);
	} catch (error) {
		await undo(file.path, before, system);
		throw error;
	}
	const notes = system ? [] : await linger();
	const state = await stateOf(system);
	if (state !== "active") notes.push(`it does not run yet (${state}): its log says why`);
	const user = system ? "" : "--user ";
	return {
		...{ state, notes },
		status: `${shown(system)} status ${UNIT}`,
		logs: `journalctl ${user}-u ${UNIT} -f`,
	};
};

/** False when there was none. */
export const removeUnit = async (path: string, home: Home, system: boolean): Promise<boolean> => {
	const before = readFileAt(path);
	if (before === null) return false;
	refuseOtherHome(path, homeOfUnit(before), home);
	await requireManager(system);
	await must(system, "disable", "--now", UNIT);
	restoreFile(path, null);
	await must(system, "daemon-reload");
	return true;
};

const requireManager = async (system: boolean): Promise<void> => {
	const said = await systemctl(system, "show", "--property=Version", "--value");
	if (said.ok) return;
	const whose = system ? "systemd" : "systemd of this user";
	throw new RunmeshError(
		"RM_UNAVAILABLE",
		`no ${whose} runs here: ${said.missing ? "there is no systemctl" : said.text}`,
		{
			hint: system
				? "start `runmesh agent start` by what this machine starts its services with; `--print` shows how"
				: "log in as this user (not by su or sudo), or use `sudo runmesh agent install --system`; `--print` shows the unit",
		},
	);
};

const must = async (system: boolean, ...args: string[]): Promise<void> => {
	const said = await systemctl(system, ...args);
	if (said.ok) return;
	throw new RunmeshError("RM_UNAVAILABLE", `\`${shown(system)} ${args.join(" ")}\` failed: ${said.text}`, {
		hint: "nothing was changed; `--print` shows the unit, to install it by hand",
	});
};

const undo = async (path: string, before: string | null, system: boolean): Promise<void> => {
	if (before === null) await systemctl(system, "disable", "--now", UNIT);
	restoreFile(path, before);
	await systemctl(system, "daemon-reload");
	if (before !== null) await systemctl(system, "restart", UNIT);
};

/** Without it a user's services end with the last session, and steps with them. */
const linger = async (): Promise<string[]> => {
	const user = userInfo().username;
	const said = await say("loginctl", "show-user", user, "--property=Linger", "--value");
	if (said.ok && said.text === "yes") return [];
	const enabled = await say("loginctl", "enable-linger", user);
	return enabled.ok
		? []
		: [`it ends, with its steps, when you log out, until root allows it to stay: sudo loginctl enable-linger ${user}`];
};

/** A unit that can't start is "activating" again and again. */
const stateOf = async (system: boolean): Promise<string> => {
	await delay(WATCHED_MS);
	return (await systemctl(system, "show", UNIT, "--property=ActiveState", "--value")).text || "unknown";
};
