/** The agent as a systemd unit. */

import { homedir } from "node:os";
import { join } from "node:path";
import type { ServiceSpec } from "./spec.ts";

export const UNIT = "runmesh-agent.service";

export const unitPath = (system: boolean, env: NodeJS.ProcessEnv): string =>
	system
		? join("/etc/systemd/system", UNIT)
		: join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), ".config"), "systemd", "user", UNIT);

/**
 * Older ones know neither restarts that become slower, nor a group of its own for the agent within the service's: without
 * that one, they could not start the agent again beside control groups in which its steps run.
 */
export const SUBGROUPS_SINCE = 254;

export const unitText = ({ home, command, environment, system, user }: ServiceSpec, systemdVersion: number): string => {
	const isNew = systemdVersion >= SUBGROUPS_SINCE;
	const restarts = isNew ? ["RestartSec=1", "RestartSteps=8", "RestartMaxDelaySec=60"] : ["RestartSec=5"];
	return `${[
		homeLine(home.root),
		"[Unit]",
		"Description=runmesh agent",
		...(system ? ["Wants=network-online.target", "After=network-online.target"] : []),
		"# However often it could not start: the mesh may come back tomorrow.",
		"StartLimitIntervalSec=0",
		"",
		"[Service]",
		...(user === null ? [] : [`User=${user}`]),
		`WorkingDirectory=${escapePercent(home.root)}`,
		...Object.entries(environment).map(([name, value]) => `Environment=${quote(`${name}=${value}`)}`),
		`ExecStart=${command.map(quoteArgument).join(" ")}`,
		"# With 0 it ends when it was stopped, or has left the mesh.",
		"Restart=always",
		"RestartPreventExitStatus=0",
		...restarts,
		"# Steps outlive the agent, and one that runs out of memory does not end it.",
		"KillMode=process",
		"OOMPolicy=continue",
		"Delegate=yes",
		...(isNew ? ["DelegateSubgroup=agent"] : []),
		"TasksMax=infinity",
		"LimitNOFILE=65536:524288",
		"UMask=0077",
		"",
		"[Install]",
		`WantedBy=${system ? "multi-user.target" : "default.target"}`,
	].join("\n")}\n`;
};

const HOME_COMMENT = "# The agent of ";

const homeLine = (root: string): string => `${HOME_COMMENT}${root}`;

/** The home that a unit of ours was made for; null when it is none of ours. */
export const homeOfUnit = (text: string): string | null => {
	const [first = ""] = text.split("\n");
	return first.startsWith(HOME_COMMENT) ? first.slice(HOME_COMMENT.length) : null;
};

const escapePercent = (text: string): string => text.replaceAll("%", "%%");

const quote = (text: string): string => `"${escapePercent(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

/** A dollar would be a variable of the unit's. */
const quoteArgument = (text: string): string =>
	/^[A-Za-z0-9_./:=@,+-]+$/.test(text) ? text : quote(text).replaceAll("$", "$$$$");
