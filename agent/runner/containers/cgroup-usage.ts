/** What a container has taken so far, from the files of its control group; zeros where they can't be read. */

import { readFileSync } from "node:fs";
import { fieldOf } from "../limits/cell.ts";

export interface ContainerUsage {
	cpuSeconds: number;
	peakMemoryBytes: number;
	/** Of its processes, by the kernel for want of memory: not every engine tells of it. */
	memoryKills: number;
}

export const NO_USAGE: ContainerUsage = { cpuSeconds: 0, peakMemoryBytes: 0, memoryKills: 0 };

const ROOT = "/sys/fs/cgroup";

/** `pid` is of a process in the container, on this host. */
export const usageOf = (pid: number, root = ROOT, proc = "/proc"): ContainerUsage => {
	const paths = groupsOf(readText(`${proc}/${pid}/cgroup`));
	const memory = paths.get("memory");
	const cpu = paths.get("cpuacct");
	const unified = paths.get("");
	if (memory !== undefined || cpu !== undefined) {
		return {
			peakMemoryBytes: readNumber(`${root}/memory${memory}/memory.max_usage_in_bytes`),
			memoryKills: killsIn(`${root}/memory${memory}/memory.oom_control`),
			cpuSeconds:
				(readNumber(`${root}/cpuacct${cpu}/cpuacct.usage`) || readNumber(`${root}/cpu,cpuacct${cpu}/cpuacct.usage`)) /
				1e9,
		};
	}
	// The group at the top has no such files: it is the host.
	if (unified === undefined || unified === "/") return NO_USAGE;
	return {
		cpuSeconds: fieldOf(readText(`${root}${unified}/cpu.stat`), "usage_usec") / 1e6,
		memoryKills: killsIn(`${root}${unified}/memory.events`),
		// Kernels before 5.19 tell of no peak.
		peakMemoryBytes: readNumber(`${root}${unified}/memory.peak`) || readNumber(`${root}${unified}/memory.current`),
	};
};

/** Group by controller; "" is version 2's only one. */
const groupsOf = (text: string): Map<string, string> =>
	new Map(
		text.split("\n").flatMap((line) => {
			const [, controllers, path] = /^\d+:([^:]*):(.+)$/.exec(line) ?? [];
			if (controllers === undefined || path === undefined) return [];
			return controllers.split(",").map((controller): [string, string] => [controller, path]);
		}),
	);

const killsIn = (path: string): number => fieldOf(readText(path), "oom_kill");

const readNumber = (path: string): number => {
	const value = Number.parseInt(readText(path), 10);
	return value > 0 ? value : 0;
};

const readText = (path: string): string => {
	try {
		return readFileSync(path, "utf8");
	} catch {
		return "";
	}
};
