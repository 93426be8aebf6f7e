/** One look at the GPUs: what is used of each, whether it works, and by which processes. */

import type { Gpu } from "#shared/domain.ts";
import { readAmd } from "./reading-amd.ts";
import { readNvidia } from "./reading-nvidia.ts";

export interface DeviceReading {
	/** null where it is not told. */
	usedBytes: number | null;
	/** 0 to 1; null where it is not told. */
	busy: number | null;
	/** "" when nothing is wrong. */
	fault: string;
	/** Memory errors since the driver was loaded. */
	uncorrected: number;
	/** Such as "0000:5f:00"; "" where it is not told. */
	bus: string;
}

export interface ProcessReading {
	pid: number;
	deviceId: string;
	/** null where it is not told. */
	bytes: number | null;
}

export interface Reading {
	/** Of a vendor that tells, all that answer: who is not among them is gone. */
	devices: Map<string, DeviceReading>;
	processes: ProcessReading[];
	/** Whose devices it covers. */
	vendors: string[];
	/** What the vendors' tools complained of. */
	complaints: string[];
}

/**
 * `thorough` looks at health that hardly ever changes too. Rejects when a tool fails or hangs. Of Apple's and Jetson's
 * there is nothing to be read.
 */
export const readGpus = async (gpus: readonly Gpu[], thorough: boolean): Promise<Reading> => {
	const parts: Reading[] = [];
	const nvidia = gpus.filter(({ vendor, id }) => vendor === "NVIDIA" && !id.startsWith("jetson"));
	if (nvidia.length > 0) parts.push(await readNvidia(nvidia, thorough));
	const amd = gpus.filter(({ vendor }) => vendor === "AMD");
	if (amd.length > 0) parts.push(await readAmd(amd));
	return {
		devices: new Map(parts.flatMap(({ devices }) => [...devices])),
		processes: parts.flatMap(({ processes }) => processes),
		vendors: parts.flatMap(({ vendors }) => vendors),
		complaints: parts.flatMap(({ complaints }) => complaints),
	};
};
