/**
 * Cells of control groups, version 2, in a part of the tree that was delegated to the agent. A group with processes of
 * its own can't have controllers for groups within: so the agent steps aside into one of its own first, where it may.
 */

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { signalProcess } from "../../system/process.ts";
import {
	type Cell,
	type CellKind,
	type CellLimits,
	CLEAN_BYTES,
	fieldOf,
	type LimitName,
	openGauge,
	PERIOD_US,
	quotaUs,
	readField,
	readIds,
	readNumber,
	write,
} from "./cell.ts";

const US = 1e6;
const CONTROLLERS = ["memory", "cpu", "pids"] as const;
const AGENT = "runmesh-agent";

/** `own` is the folder of the agent's own group; `group` is the name of that for its cells. */
export const cgroupV2 = (own: string, group: string): CellKind => {
	const root = rootFor(own);
	const enabled = root === null ? [] : enable(root, group);
	const bases = { "": `${enabled.length > 0 && root !== null ? root : own}/${group}` };
	const keeps = enabled.map((name): LimitName => (name === "pids" ? "processes" : name));
	return { way: "cgroup v2", keeps, bases, open: cellV2 };
};

/**
 * The group that can be given controllers for groups within it: emptied of processes. null where there is none: then
 * cells only tell what is in them, and what it took.
 */
const rootFor = (own: string): string | null => {
	const parent = dirname(own);
	// The root of all is no part of the rule.
	if (!existsSync(`${own}/cgroup.type`)) return own;
	// systemd put the agent into a group of its own within what it delegated, or an earlier agent stepped aside.
	if (isDelegated(parent, own) && readIds(parent).length === 0) return parent;
	// A service's own group: systemd could not start the agent there again while attempts run in groups within.
	if (basename(own).endsWith(".service")) return null;
	const isContainers = !existsSync(`${parent}/cgroup.procs`);
	const others = readIds(own).filter((pid) => pid !== process.pid);
	// In a container all is ours to move; elsewhere others may have to stay where they are.
	if (!isContainers && others.length > 0) return null;
	const aside = `${own}/${AGENT}`;
	mkdirSync(aside, { recursive: true });
	for (const pid of [...others, process.pid]) write(`${aside}/cgroup.procs`, pid);
	return own;
};

const isDelegated = (folder: string, own: string): boolean =>
	(/\.(service|scope)$/.test(basename(folder)) || basename(own) === AGENT) &&
	existsSync(`${folder}/cgroup.subtree_control`);

/** Those of the controllers that groups within `group` can use. */
const enable = (root: string, group: string): (typeof CONTROLLERS)[number][] => {
	const folder = `${root}/${group}`;
	return CONTROLLERS.filter((name) => {
		try {
			write(`${root}/cgroup.subtree_control`, `+${name}`);
			mkdirSync(folder, { recursive: true });
			write(`${folder}/cgroup.subtree_control`, `+${name}`);
			return new RegExp(`\\b${name}\\b`).test(readFileSync(`${folder}/cgroup.subtree_control`, "utf8"));
		} catch {
			return false;
		}
	});
};

const cellV2 = (folders: Readonly<Record<string, string>>): Cell => {
	const folder = folders[""] ?? "";
	const has = (file: string): boolean => existsSync(`${folder}/${file}`);
	const hasMemory = has("memory.max");
	const hasPeak = has("memory.peak");
	const hasSwap = has("memory.swap.max");
	const hasTasks = has("pids.max");
	const tasks = openGauge(`${folder}/pids.current`);
	const time = openGauge(`${folder}/cpu.stat`);
	const most = openGauge(`${folder}/memory.peak`);
	const cpuSeconds = (): number => fieldOf(time.read(), "usage_usec") / US;
	let memoryBytes = 0;
	let cpuMillis = 0;
	const peak = (): number => (hasPeak ? Number(most.read()) : 0);

	return {
		way: "cgroup v2",
		folders,
		limit: (limits: CellLimits) => {
			if (limits.memoryBytes !== memoryBytes && hasMemory) {
				const bytes = limits.memoryBytes === 0 ? "max" : limits.memoryBytes;
				if (hasSwap) write(`${folder}/memory.swap.max`, limits.memoryBytes === 0 ? "max" : 0);
				// One process of an attempt rarely goes on well without another.
				write(`${folder}/memory.oom.group`, limits.memoryBytes === 0 ? 0 : 1);
				write(`${folder}/memory.max`, bytes);
				memoryBytes = limits.memoryBytes;
			}
			if (limits.cpuMillis !== cpuMillis && has("cpu.max")) {
				write(`${folder}/cpu.max`, `${limits.cpuMillis === 0 ? "max" : quotaUs(limits.cpuMillis)} ${PERIOD_US}`);
				cpuMillis = limits.cpuMillis;
			}
		},
		limitTasks: (tasks) => {
			if (hasTasks) write(`${folder}/pids.max`, tasks);
		},
		// Most kernels have no way to begin a peak anew.
		mark: () => ({ cpuSeconds: cpuSeconds(), peakMemoryBytes: peak() }),
		processIds: () => readIds(folder),
		holdsOne: () => hasTasks && Number(tasks.read()) === 1,
		tasks: () => (hasTasks ? Number(tasks.read()) : 0),
		cpuSeconds,
		memoryBytes: () => (hasMemory ? readField(`${folder}/memory.stat`, "anon") : 0),
		fileBytes: () => (hasMemory ? readField(`${folder}/memory.stat`, "file") : 0),
		peakMemoryBytes: (mark) => {
			const bytes = peak();
			return bytes > mark.peakMemoryBytes ? bytes : 0;
		},
		outOfMemoryKills: () => (hasMemory ? readField(`${folder}/memory.events`, "oom_kill") : 0),
		isClean: () => !hasMemory || (hasPeak ? peak() : readNumber(`${folder}/memory.current`)) <= CLEAN_BYTES,
		kill: () => {
			if (hasTasks) write(`${folder}/pids.max`, 0);
			if (has("cgroup.kill")) return write(`${folder}/cgroup.kill`, 1);
			for (const pid of readIds(folder)) signalProcess(pid, "SIGKILL");
		},
		close: () => {
			for (const gauge of [tasks, time, most]) gauge.close();
		},
	};
};
