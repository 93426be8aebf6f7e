/** Checks of what an agent needs of this machine, and of what would serve it better. */

import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { readAgentFile } from "#shared/agent-file.ts";
import { toRunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { readJoined } from "#shared/joined.ts";
import { lockOwner } from "#shared/lock.ts";
import { endpointOf } from "../join/addresses.ts";
import { reach } from "../join/reach.ts";
import { readFileAt } from "../service/file.ts";
import { say, systemdVersion } from "../service/manager.ts";
import { homeOfUnit, SUBGROUPS_SINCE, UNIT, unitPath } from "../service/systemd.ts";
import { type Check, fail, ok, warn } from "./check.ts";

const SHELL = "/bin/sh";

/** The supervisor of every attempt is a script of it. */
export const checkShell = async (): Promise<Check> => {
	try {
		await access(SHELL, constants.X_OK);
		return ok("shell", SHELL);
	} catch {
		const advice = process.platform === "win32" ? "run the agent in WSL" : "install one";
		return fail("shell", `there is no ${SHELL}: no step can run here`, advice);
	}
};

/** What stands in agent.json, and whether the mesh can be reached by it. */
export const checkJoined = async (home: Home): Promise<Check> => {
	const name = "agent";
	try {
		const texts = readAgentFile(home)?.texts;
		const joined = readJoined(home);
		if (!joined) return ok(name, texts ? home.agentFile : "this home has joined no mesh elsewhere");
		const wires = [...(texts?.nats ?? []), ...(texts?.coordinator ?? []).map((address) => `tcp://${address}`)];
		const reached = await Promise.all(wires.map((wire) => reach(endpointOf(wire))));
		const silent = wires.filter((_, index) => !reached[index]?.ok);
		if (silent.length === 0) {
			if (lockOwner(join(home.agent, "agent.lock"))) return ok(name, `of the mesh at ${joined.url}, running`);
			return warn(name, `of the mesh at ${joined.url}, not running`, "runmesh agent start, or runmesh agent install");
		}
		const advice = "is that mesh up, does it listen on more than its own machine, and are its ports open to this one?";
		return fail(name, `can't be reached from here: ${silent.join(", ")}`, advice);
	} catch (error) {
		const { message, hint } = toRunmeshError(error);
		return fail(name, message, hint);
	}
};

/** Of the service that `agent install` made; null without one. */
export const checkService = async (home: Home, env: NodeJS.ProcessEnv): Promise<Check | null> => {
	const text = readFileAt(unitPath(false, env));
	if (text === null || homeOfUnit(text) !== home.root) return null;
	const said = await say("systemctl", "--user", "show", UNIT, "--property=ActiveState", "--value");
	if (!said.ok)
		return warn("service", `its state is not known: ${said.text}`, "log in as this user, not by su or sudo");
	if (said.text !== "active")
		return fail("service", `${UNIT} is ${said.text}`, `journalctl --user -u ${UNIT} says why`);
	const user = userInfo().username;
	const linger = await say("loginctl", "show-user", user, "--property=Linger", "--value");
	if (linger.ok && linger.text === "yes") return ok("service", `${UNIT} is active, and stays when you log out`);
	const detail = `${UNIT} is active, and ends with its steps when you log out`;
	return warn("service", detail, `sudo loginctl enable-linger ${user}`);
};

const WATCHED = "what steps take is watched, and limited by ending them";

/** Whether an agent that is installed here could hold steps to their limits by control groups. */
export const checkLimits = async (root = "/sys/fs/cgroup"): Promise<Check> => {
	const name = "limits";
	if (process.platform !== "linux") return ok(name, `${process.platform} has no control groups: ${WATCHED}`);
	const whole = await controllers(root);
	if (whole === null) {
		const writes = await isWritable(`${root}/memory`);
		return writes ? ok(name, "cgroup v1, writable") : warn(name, `cgroup v1, not writable: ${WATCHED}`);
	}
	const version = await systemdVersion();
	if (version === 0) {
		return (await isWritable(root))
			? ok(name, "cgroup v2, writable")
			: warn(name, `cgroup v2, not delegated: ${WATCHED}`);
	}
	const uid = process.getuid?.() ?? 0;
	const mine = await controllers(`${root}/user.slice/user-${uid}.slice/user@${uid}.service`);
	const missing = ["cpu", "memory", "pids"].filter((controller) => mine && !mine.includes(controller));
	if (missing.length > 0) {
		const advice = `sudo systemctl edit user@.service, with the lines "[Service]" and "Delegate=cpu memory pids", and log in again`;
		return warn(name, `cgroup v2, but ${missing.join(" and ")} is not delegated to you: ${WATCHED}`, advice);
	}
	if (version >= SUBGROUPS_SINCE) return ok(name, "cgroup v2, delegated to a service of systemd");
	return warn(name, `systemd ${version} can't start an agent again beside groups of its steps: ${WATCHED}`);
};

/** null where it is no group of version 2. */
const controllers = async (group: string): Promise<string[] | null> => {
	try {
		return (await readFile(`${group}/cgroup.controllers`, "utf8")).trim().split(/\s+/);
	} catch {
		return null;
	}
};

const isWritable = (path: string): Promise<boolean> =>
	access(path, constants.W_OK).then(
		() => true,
		() => false,
	);

/** Of a client that is there, whether its engine answers. */
export const checkEngines = async (): Promise<Check> => {
	const name = "containers";
	const engines = await Promise.all([
		say("docker", "version", "--format", "{{.Server.Version}}"),
		say("podman", "info", "--format", "{{.Version.Version}}"),
	]);
	const found = ["docker", "podman"].flatMap((engine, index) => {
		const said = engines[index];
		return said && (said.ok || !said.missing) ? [{ engine, said }] : [];
	});
	const working = found.filter(({ said }) => said.ok);
	if (working.length > 0) return ok(name, working.map(({ engine, said }) => `${engine} ${said.text}`).join(", "));
	const [broken] = found;
	if (!broken) return ok(name, "no docker or podman: steps with an image go to other machines");
	const isRoot = process.getuid?.() === 0;
	const group = `; for docker, be in its group: sudo usermod -aG docker ${userInfo().username}`;
	const advice = `start it, or say where it is with DOCKER_HOST${isRoot ? "" : group}`;
	return warn(name, `${broken.engine} is there, and its engine can't be used: ${broken.said.text}`, advice);
};
