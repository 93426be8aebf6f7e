/** What the operating system tells about a process: whether a recorded pid is still the process that was recorded. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 20;

const ps = (pid: number, column: "lstart" | "args"): string | null => {
	try {
		const text = execFileSync("ps", ["-ww", "-o", `${column}=`, "-p", String(pid)], {
			encoding: "utf8",
			env: { ...process.env, LC_ALL: "C" },
			stdio: ["ignore", "pipe", "ignore"],
		}).trim();
		return text === "" ? null : text;
	} catch {
		return null;
	}
};

/** null when unreadable: no such process, or no such file system. */
const procFile = (pid: number, file: "stat" | "cmdline"): string | null => {
	try {
		return readFileSync(`/proc/${pid}/${file}`, "utf8");
	} catch {
		return null;
	}
};

/** When it started, in words of the system that stay the same while it runs; null when there is no such process. */
export const processStart = (pid: number): string | null => {
	if (process.platform !== "linux") return process.platform === "win32" ? aliveOnWindows(pid) : ps(pid, "lstart");
	const stat = procFile(pid, "stat");
	if (stat === null) return null;
	// The name in parentheses may hold anything; the fields after it count from the third.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	const [state, ticks] = [fields[0], fields[19]];
	if (state === "Z" || state === "X" || ticks === undefined) return null;
	return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${ticks}`;
};

/** Windows has no cheap word for the start: only whether the pid is in use. */
const aliveOnWindows = (pid: number): string | null => {
	try {
		process.kill(pid, 0);
		return "running";
	} catch {
		return null;
	}
};

/** The arguments as one line, for recognising a process of ours; "" when unknown. */
export const commandLine = (pid: number): string => {
	if (process.platform === "win32") return "";
	if (process.platform !== "linux") return ps(pid, "args") ?? "";
	return (procFile(pid, "cmdline") ?? "").replaceAll("\0", " ");
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
