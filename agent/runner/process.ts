/** What the system tells of a process, and signals to it. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A pid alone may be another process by now: the start tells them apart. */
export interface ProcessIdentity {
	pid: number;
	/** Boot and clock ticks since it on Linux, the time from ps elsewhere. */
	start: string;
}

const onLinux = process.platform === "linux";

/** null when there is no such process, or only its remains. */
export const identifyProcess = (pid: number): ProcessIdentity | null => {
	const start = onLinux ? linuxStart(readText(`/proc/${pid}/stat`)) : psStart(pid);
	return start === null ? null : { pid, start };
};

export const isAlive = ({ pid, start }: ProcessIdentity): boolean => identifyProcess(pid)?.start === start;

/** From what a supervisor wrote of itself when it began: the boot and its line of /proc, or "-" and its pid. */
export const parseClaim = (claim: string): ProcessIdentity | null => {
	const [, boot = "", stat = ""] = /^(\S+) (.+)\n$/.exec(claim) ?? [];
	const pid = Number.parseInt(stat, 10);
	if (!(pid > 1)) return null;
	if (!onLinux) return identifyProcess(pid) ?? { pid, start: "gone" };
	const start = linuxStart(stat, boot);
	return start === null ? null : { pid, start };
};

/** Whether it started before the machine's last restart. */
export const isOfEarlierBoot = ({ start }: ProcessIdentity): boolean => onLinux && !start.startsWith(`${bootId()} `);

/** To every process of the group. False when there is none left. */
export const signalGroup = (group: number, signal: NodeJS.Signals): boolean => signalProcess(-group, signal);

export const signalProcess = (pid: number, signal: NodeJS.Signals): boolean => {
	try {
		process.kill(pid, signal);
		return true;
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "ESRCH" || code === "EPERM") return false;
		throw error;
	}
};

let boot: string | undefined;

/** Changes with every boot; "" where the system does not tell. */
const bootId = (): string => {
	boot ??= onLinux ? (readText("/proc/sys/kernel/random/boot_id")?.trim() ?? "") : "";
	return boot;
};

/** The name in parentheses may hold anything; the fields after it count from the third. */
const linuxStart = (stat: string | null, boot = bootId()): string | null => {
	if (stat === null) return null;
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	const [state, ticks] = [fields[0], fields[19]];
	return ticks === undefined || state === "Z" || state === "X" ? null : `${boot} ${ticks}`;
};

const psStart = (pid: number): string | null => {
	try {
		const env = { ...process.env, LC_ALL: "C" };
		return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8", env }).trim() || null;
	} catch {
		return null;
	}
};

const readText = (path: string): string | null => {
	try {
		return readFileSync(path, "utf8");
	} catch {
		return null;
	}
};
