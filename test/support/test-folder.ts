/** A folder for everything one test makes. In the end no process names it any more, and it is gone. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";

export interface Living {
	pid: number;
	command: string;
}

/** Processes whose command line or environment holds the text; Linux alone tells. */
export const processesNaming = (text: string): Living[] => {
	if (process.platform !== "linux") return [];
	const own = String(process.pid);
	return readdirSync("/proc").flatMap((name): Living[] => {
		if (!/^\d+$/.test(name) || name === own) return [];
		const command = read(name, "cmdline");
		return command.includes(text) || read(name, "environ").includes(text)
			? [{ pid: Number(name), command: command.replaceAll("\0", " ") }]
			: [];
	});
};

/** "" when it is gone, or another user's. */
const read = (pid: string, file: "cmdline" | "environ"): string => {
	try {
		return readFileSync(`/proc/${pid}/${file}`, "latin1");
	} catch {
		return "";
	}
};

export const newFolder = (): string => mkdtempSync(join(tmpdir(), "runmesh-real-"));

/** Those that tidy up behind an agent are done by then. */
const LEAVE_WITHIN_MS = 3_000;

/** Ends what is left and removes the folder, then says whether there was anything left. */
export const removeFolder = async (folder: string): Promise<void> => {
	const deadline = Date.now() + LEAVE_WITHIN_MS;
	while (processesNaming(folder).length > 0 && Date.now() < deadline) await delay(50);
	const left = processesNaming(folder);
	for (let living = left; living.length > 0; living = processesNaming(folder)) {
		for (const { pid } of living) kill(pid);
		await delay(20);
	}
	rmSync(folder, { recursive: true, force: true });
	expect(left, "processes left behind").toEqual([]);
};

const kill = (pid: number): void => {
	try {
		process.kill(pid, "SIGKILL");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
	}
};
