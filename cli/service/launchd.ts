/** The agent as a job of launchd, on macOS. */

import { homedir } from "node:os";
import { join } from "node:path";
import type { ServiceSpec } from "./spec.ts";
import { escapeXml, unescapeXml } from "./xml.ts";

export const LABEL = "dev.runmesh.agent";

export const plistPath = (system: boolean, env: NodeJS.ProcessEnv): string =>
	system
		? join("/Library/LaunchDaemons", `${LABEL}.plist`)
		: join(env.HOME || homedir(), "Library", "LaunchAgents", `${LABEL}.plist`);

/** The home that a job of ours was made for; null when it is none of ours. */
export const homeOfJob = (text: string): string | null => {
	const [, root] = /<key>WorkingDirectory<\/key>\s*<string>(.*)<\/string>/.exec(text) ?? [];
	return root === undefined ? null : unescapeXml(root);
};

type Value = string | number | boolean | readonly string[] | { readonly [key: string]: string | boolean };

export const plistText = ({ home, command, environment, user }: ServiceSpec): string => {
	const entries: Record<string, Value> = {
		Label: LABEL,
		ProgramArguments: command,
		EnvironmentVariables: environment,
		WorkingDirectory: home.root,
		...(user === null ? {} : { UserName: user }),
		RunAtLoad: true,
		// With 0 it ends when it was stopped, or has left the mesh.
		KeepAlive: { SuccessfulExit: false },
		ThrottleInterval: 10,
		// Steps outlive the agent.
		AbandonProcessGroup: true,
		ProcessType: "Background",
		Umask: 0o077,
		// What it says before it has its own log; the log itself is the agent's, and bounded.
		StandardErrorPath: join(home.logs, "agent-start.log"),
	};
	return `${[
		'<?xml version="1.0" encoding="UTF-8"?>',
		'<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
		'<plist version="1.0">',
		...dictionary(entries, ""),
		"</plist>",
	].join("\n")}\n`;
};

const dictionary = (entries: Readonly<Record<string, Value>>, indent: string): string[] => [
	`${indent}<dict>`,
	...Object.entries(entries).flatMap(([key, value]) => [
		`${indent}\t<key>${escapeXml(key)}</key>`,
		...element(value, `${indent}\t`),
	]),
	`${indent}</dict>`,
];

const element = (value: Value, indent: string): string[] => {
	if (typeof value === "string") return [`${indent}<string>${escapeXml(value)}</string>`];
	if (typeof value === "number") return [`${indent}<integer>${value}</integer>`];
	if (typeof value === "boolean") return [`${indent}<${value}/>`];
	if (isList(value)) {
		return [`${indent}<array>`, ...value.flatMap((item) => element(item, `${indent}\t`)), `${indent}</array>`];
	}
	return dictionary(value, indent);
};

const isList = (value: Value): value is readonly string[] => Array.isArray(value);
