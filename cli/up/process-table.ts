/** What `up` needs of the system's processes: to recognise one of ours, to end it, to see it gone. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { processStart } from "#shared/process.ts";

const POLL_MS = 20;

/** The arguments as one line, for recognising a process of ours; "" when unknown. */
export const commandLine = (pid: number): string => {
	if (process.platform === "win32") return "";
	try {
		if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
		return execFileSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], {
			encoding: "utf8",
			stdio: ["ignore", "pipe", "ignore"],
		}).trim();
	} catch {
		return "";
	}
};

const signal = (pid: number, name: NodeJS.Signals): void => {
	try {
		process.kill(pid, name);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
	}
};

/** Whether the process was gone in time; it must be the one that `start` names. */
export const waitUntilGone = async (pid: number, start: string, timeoutMs: number): Promise<boolean> => {
	for (const deadline = Date.now() + timeoutMs; processStart(pid) === start; await delay(POLL_MS)) {
		if (Date.now() > deadline) return false;
	}
	return true;
};

/** SIGTERM, then SIGKILL after the grace. Nothing happens to a process that took over the pid. */
export const endProcess = async (pid: number, start: string, graceMs: number): Promise<void> => {
	if (processStart(pid) !== start) return;
	signal(pid, "SIGTERM");
	if (await waitUntilGone(pid, start, graceMs)) return;
	signal(pid, "SIGKILL");
	await waitUntilGone(pid, start, graceMs);
};
