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

interface CpuSeconds {
	own: number;
	/** Of children that it has waited for. */
	children: number;
}

const cpuOf = (pid: number): CpuSeconds => {
	const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
	// The name in parentheses may hold anything; the fields after it count from the third.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	const sum = (first: number): number => (Number(fields[first]) + Number(fields[first + 1])) / TICKS_PER_S;
	return { own: sum(11), children: sum(13) };
};

export const cpuSeconds = (pid: number): number => cpuOf(pid).own;

/** Of all that it started: children that live, and those that were waited for. */
const startedSeconds = (pid: number): number => {
	const living = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
	return living
		.map((child) => cpuOf(Number(child)))
		.reduce((sum, { own, children }) => sum + own + children, cpuOf(pid).children);
};

/** "coordinator 1.20 s, …": what each process of the mesh spends while `act` runs, and what the agent starts. */
export const whileCounting = async <T>(
	processes: () => Record<string, number>,
	act: () => Promise<T>,
): Promise<{ result: T; spent: string }> => {
	const spentBy = Object.entries(processes()).flatMap(([name, pid]) => [
		{ name, seconds: () => cpuSeconds(pid) },
		...(name === "agent" ? [{ name: "what it started", seconds: () => startedSeconds(pid) }] : []),
	]);
	const before = spentBy.map(({ seconds }) => seconds());
	const result = await act();
	const spent = spentBy.map(({ name, seconds }, index) => `${name} ${(seconds() - (before[index] ?? 0)).toFixed(2)} s`);
	return { result, spent: spent.join(", ") };
};
