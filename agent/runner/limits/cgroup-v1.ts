/** Cells of control groups, version 1: a folder in each hierarchy of those that the agent may write. */

import { existsSync } from "node:fs";
import { signalProcess } from "../../system/process.ts";
import {
	type Cell,
	type CellKind,
	type CellLimits,
	CLEAN_BYTES,
	type LimitName,
	openGauge,
	PERIOD_US,
	quotaUs,
	readField,
	readIds,
	readNumber,
	write,
} from "./cell.ts";

const CONTROLLERS = ["memory", "cpu", "cpuacct", "pids"] as const;
const NS = 1e9;

/** `own` are the folders of the agent's own groups; `group` is the name of that for its cells. */
export const cgroupV1 = (own: Readonly<Record<string, string>>, group: string): CellKind | null => {
	const found = CONTROLLERS.filter((name) => own[name] !== undefined);
	const bases = Object.fromEntries(found.map((name) => [name, `${own[name]}/${group}`]));
	const keeps: LimitName[] = [];
	if (own.memory) keeps.push("memory");
	if (own.cpu && existsSync(`${own.cpu}/cpu.cfs_period_us`)) keeps.push("cpu");
	if (own.pids) keeps.push("processes");
	return keeps.length === 0 ? null : { way: "cgroup v1", keeps, bases, open: cellV1 };
};

const cellV1 = (folders: Readonly<Record<string, string>>): Cell => {
	const { memory, cpu, cpuacct, pids } = folders;
	const any = pids ?? memory ?? cpuacct ?? cpu ?? "";
	const hasSwap = memory !== undefined && existsSync(`${memory}/memory.memsw.limit_in_bytes`);
	const tasks = pids === undefined ? null : openGauge(`${pids}/pids.current`);
	const time = cpuacct === undefined ? null : openGauge(`${cpuacct}/cpuacct.usage`);
	const peak = memory === undefined ? null : openGauge(`${memory}/memory.max_usage_in_bytes`, "r+");
	const cpuSeconds = (): number => (time === null ? 0 : Number(time.read()) / NS);
	let memoryBytes: number | null = null;
	let cpuMillis: number | null = null;

	/** The limit with swap is never below the one without. */
	const limitMemory = (folder: string, bytes: number): void => {
		const names = hasSwap ? ["memory.memsw.limit_in_bytes", "memory.limit_in_bytes"] : ["memory.limit_in_bytes"];
		const before = memoryBytes ?? 0;
		const grows = bytes === 0 || (before !== 0 && bytes > before);
		for (const name of grows ? names : names.reverse()) write(`${folder}/${name}`, bytes === 0 ? -1 : bytes);
	};

	return {
		way: "cgroup v1",
		folders,
		limit: (limits: CellLimits) => {
			if (memory !== undefined && limits.memoryBytes !== memoryBytes) {
				if (memoryBytes !== null || limits.memoryBytes !== 0) limitMemory(memory, limits.memoryBytes);
				memoryBytes = limits.memoryBytes;
			}
			if (cpu !== undefined && limits.cpuMillis !== cpuMillis) {
				if (limits.cpuMillis !== 0) write(`${cpu}/cpu.cfs_period_us`, PERIOD_US);
				if (cpuMillis !== null || limits.cpuMillis !== 0) {
					write(`${cpu}/cpu.cfs_quota_us`, limits.cpuMillis === 0 ? -1 : quotaUs(limits.cpuMillis));
				}
				cpuMillis = limits.cpuMillis;
			}
		},
		limitTasks: (tasks) => {
			if (pids !== undefined) write(`${pids}/pids.max`, tasks);
		},
		mark: () => {
			peak?.write("0");
			return { cpuSeconds: cpuSeconds(), peakMemoryBytes: 0 };
		},
		processIds: () => readIds(any),
		// What has ended and was not waited for still counts.
		holdsOne: () => tasks !== null && Number(tasks.read()) === 1,
		tasks: () => (tasks === null ? 0 : Number(tasks.read())),
		cpuSeconds,
		memoryBytes: () => (memory === undefined ? 0 : readField(`${memory}/memory.stat`, "rss")),
		fileBytes: () => (memory === undefined ? 0 : readField(`${memory}/memory.stat`, "cache")),
		peakMemoryBytes: () => (peak === null ? 0 : Number(peak.read())),
		outOfMemoryKills: () => (memory === undefined ? 0 : readField(`${memory}/memory.oom_control`, "oom_kill")),
		isClean: () => memory === undefined || readNumber(`${memory}/memory.usage_in_bytes`) <= CLEAN_BYTES,
		kill: () => {
			// Nobody is started any more: what is listed now is all there is.
			if (pids !== undefined) write(`${pids}/pids.max`, 0);
			for (const pid of readIds(any)) signalProcess(pid, "SIGKILL");
		},
		close: () => {
			for (const gauge of [tasks, time, peak]) gauge?.close();
		},
	};
};
