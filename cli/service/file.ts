/** The file that a service is made of: for `--print`, and for the installation, which leaves nothing behind half-done. */

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { LABEL, plistPath, plistText } from "./launchd.ts";
import { systemdVersion } from "./manager.ts";
import { type SpecRequest, serviceSpec } from "./spec.ts";
import { UNIT, unitPath, unitText } from "./systemd.ts";
import { taskCommands, taskPath, taskText } from "./windows.ts";

export interface ServiceFile {
	manager: "systemd" | "launchd" | "Task Scheduler";
	/** What the manager calls it. */
	name: string;
	path: string;
	text: string;
	/** What registers it, where that is left to a person. */
	commands: string[];
}

export const serviceFile = async (
	request: SpecRequest,
	env: NodeJS.ProcessEnv,
	platform: NodeJS.Platform,
): Promise<ServiceFile> => {
	const { system } = request;
	if (platform === "darwin") {
		const text = plistText(serviceSpec(request, env, true));
		return { manager: "launchd", name: LABEL, path: plistPath(system, env), text, commands: [] };
	}
	if (platform === "win32") {
		const spec = serviceSpec(request, env, true);
		const path = taskPath(spec);
		return {
			manager: "Task Scheduler",
			name: "runmesh-agent",
			path,
			text: taskText(spec),
			commands: taskCommands(path),
		};
	}
	const text = unitText(serviceSpec(request, env, false), await systemdVersion());
	return { manager: "systemd", name: UNIT, path: unitPath(system, env), text, commands: [] };
};

/** null where there is none. */
export const readFileAt = (path: string): string | null => {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
};

/** Whole or not at all. */
export const writeFileAt = (path: string, text: string): void => {
	mkdirSync(dirname(path), { recursive: true });
	const staged = `${path}.${process.pid}`;
	try {
		writeFileSync(staged, text, { mode: 0o644 });
		renameSync(staged, path);
	} finally {
		rmSync(staged, { force: true });
	}
};

/** As it was before: what `readFileAt` said. */
export const restoreFile = (path: string, before: string | null): void => {
	if (before === null) rmSync(path, { force: true });
	else writeFileAt(path, before);
};
