/** What the system tells of a process: whether a recorded pid is still the process that was recorded. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A pid alone may be another process by now: the start tells them apart. */
export interface ProcessIdentity {
	pid: number;
	/** Boot and clock ticks since it on Linux, the time from ps elsewhere. */
	start: string;
}

/** null when there is no such process, or only its remains. */
export const identifyProcess = (pid: number): ProcessIdentity | null => {
	const start = processStart(pid);
	return start === null ? null : { pid, start };
};

export const isAlive = ({ pid, start }: ProcessIdentity): boolean => processStart(pid) === start;

/** When it started, in words that stay the same while it runs; null when there is no such process. */
export const processStart = (pid: number): string | null => {
	if (process.platform === "linux") return startOfStat(readText(`/proc/${pid}/stat`) ?? "", bootId());
	return process.platform === "win32" ? aliveOnWindows(pid) : psStart(pid);
};

/**
 * Of a line of /proc/PID/stat, those from the third (the state) to the 22nd (the start): the name before them, in
 * parentheses, may hold anything.
 */
export const fieldsOfStat = (stat: string): string[] => stat.slice(stat.lastIndexOf(")") + 2).split(" ", 20);

/** From a line of /proc/PID/stat. */
export const startOfStat = (stat: string, boot: string): string | null => {
	const fields = fieldsOfStat(stat);
	const [state, ticks] = [fields[0], fields[19]];
	return ticks === undefined || state === "Z" || state === "X" ? null : `${boot} ${ticks}`;
};

let boot: string | undefined;

/** Changes with every boot of the machine; "" where the system does not tell. */
export const bootId = (): string => {
	boot ??= readText("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
	return boot;
};

const psStart = (pid: number): string | null => {
	try {
		const env = { ...process.env, LC_ALL: "C" };
		const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
		return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8", env, stdio }).trim() || null;
	} catch {
		return null;
	}
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

/** null when unreadable: no such process, or no such file system. */
const readText = (path: string): string | null => {
	try {
		return readFileSync(path, "utf8");
	} catch {
		return null;
	}
};
