/** Memory and CPU time of a process, by the Linux kernel's own account. */

import { readFileSync } from "node:fs";

const MB = 1024 * 1024;

const statusBytes = (pid: number, field: "VmRSS" | "VmHWM"): number => {
	const status = readFileSync(`/proc/${pid}/status`, "utf8");
	const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
	if (kib === undefined) throw new Error(`/proc/${pid}/status has no ${field}`);
	return Number(kib) * 1024;
};

export const residentMb = (pid: number): number => statusBytes(pid, "VmRSS") / MB;

/** The most it has ever been. */
export const peakResidentMb = (pid: number): number => statusBytes(pid, "VmHWM") / MB;

/** The kernel counts in hundredths of a second. */
const TICKS_PER_S = 100;

export const cpuSeconds = (pid: number): number => {
	const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
	// The name in parentheses may hold anything; the fields after it count from the third.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
};

/** "coordinator 1.20 s, …": what each process of the mesh spends while `act` runs. */
export const whileCounting = async <T>(
	processes: () => Record<string, number>,
	act: () => Promise<T>,
): Promise<{ result: T; spent: string }> => {
	const before = Object.entries(processes()).map(([name, pid]) => ({ name, pid, seconds: cpuSeconds(pid) }));
	const result = await act();
	const spent = before.map(({ name, pid, seconds }) => `${name} ${(cpuSeconds(pid) - seconds).toFixed(2)} s`);
	return { result, spent: spent.join(", ") };
};
