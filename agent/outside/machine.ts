/** How much of this machine is in use, by whomever: CPU and memory as Linux tells them, for a container its own. */

import { readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { memoryBytes } from "../fingerprint/memory.ts";
import { parseOwnGroups } from "../system/own-groups.ts";
import { TICKS_PER_SECOND } from "../system/proc.ts";
import type { Look } from "./others.ts";

export type MachineUse = Pick<Look, "busyCpuSeconds" | "cores" | "usedMemoryBytes" | "memoryBytes">;

/** Throws where it can't be told. */
export const readMachine = async (): Promise<MachineUse> => {
	const total = memoryBytes();
	const used = total < totalmem() ? await readContainer() : parseMeminfo(await readFile("/proc/meminfo", "utf8"));
	return { ...parseStat(await readFile("/proc/stat", "latin1")), usedMemoryBytes: used, memoryBytes: total };
};

/** Of /proc/stat: all but idle time, time that waits for a disk, and time that the machine below gave to others. */
export const parseStat = (text: string): { busyCpuSeconds: number; cores: number } => {
	const [, numbers] = /^cpu +(.+)$/m.exec(text) ?? [];
	if (numbers === undefined) throw new Error("/proc/stat does not tell how busy the processors are");
	const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0] = numbers.split(" ").map(Number);
	const ticks = user + nice + system + interrupts + softInterrupts;
	return { busyCpuSeconds: ticks / TICKS_PER_SECOND, cores: text.match(/^cpu\d+ /gm)?.length ?? 1 };
};

/** Of /proc/meminfo: what new programs could not have. */
export const parseMeminfo = (text: string): number => {
	const of = (name: string): number => {
		const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text) ?? [];
		if (kibibytes === undefined) throw new Error(`/proc/meminfo does not tell ${name}`);
		return Number(kibibytes) * 1024;
	};
	return of("MemTotal") - of("MemAvailable");
};

/** Less what the system would drop first: files that nobody has read lately. */
const readContainer = async (): Promise<number> => {
	const [groups, mounts] = await Promise.all([
		readFile("/proc/self/cgroup", "utf8"),
		readFile("/proc/self/mountinfo", "utf8"),
	]);
	const { v1, v2 } = parseOwnGroups(groups, mounts);
	const [folder, file, cached] = v1.memory
		? [v1.memory, "memory.usage_in_bytes", "total_inactive_file"]
		: [v2, "memory.current", "inactive_file"];
	if (folder === null) throw new Error("the control group of the container can't be found");
	const used = Number(await readFile(`${folder}/${file}`, "utf8"));
	const [, droppable = 0] =
		new RegExp(`^${cached} (\\d+)$`, "m").exec(await readFile(`${folder}/memory.stat`, "utf8")) ?? [];
	return Math.max(0, used - Number(droppable));
};
