/**
 * What this host is and has. What the runtime knows is there at once; the probes that ask the system's tools fill
 * in the rest, and look again from time to time (refresh.ts). A probe that fails costs its own part alone and is named
 * in `problems`.
 */

import { arch, availableParallelism, cpus, hostname, release, type } from "node:os";
import type { Fingerprint } from "#shared/domain.ts";
import { cgroupProbe } from "./cgroup.ts";
import { cpuProbe } from "./cpu.ts";
import { diskProbe } from "./disk.ts";
import { engineProbes } from "./engines.ts";
import { memoryBytes, memoryProbe } from "./memory.ts";
import { networkProbe } from "./network.ts";
import { numaProbe } from "./numa.ts";
import { osProbe } from "./os.ts";
import type { Probe } from "./probe.ts";
import { runtimeProbes } from "./runtimes.ts";

/** Takes no time; no GPU, runtime or disk is in it yet. */
export const firstFingerprint = (): Fingerprint => ({
	hostname: hostname(),
	os: type(),
	arch: arch(),
	kernel: release(),
	cpuModel: cpus()[0]?.model ?? "",
	cpuCores: availableParallelism(),
	memoryBytes: memoryBytes(),
	diskBytes: 0,
	cpuSockets: 0,
	numaNodes: 0,
	swapBytes: 0,
	network: [],
	cgroup: "",
	limits: {},
	gpus: [],
	runtimes: { node: process.version },
	problems: {},
});

/** Those that read a file or two. `folder` is the agent's. */
export const cheapProbes = (folder: string): readonly Probe[] => [diskProbe(folder), memoryProbe, networkProbe];

/** Those that ask other programs, and those whose answers hardly ever change. */
export const dearProbes: readonly Probe[] = [
	...[osProbe, cpuProbe, numaProbe, cgroupProbe],
	...[...runtimeProbes, ...engineProbes],
];
