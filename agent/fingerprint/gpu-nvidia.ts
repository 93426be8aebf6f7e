/** NVIDIA's GPUs, as nvidia-smi tells them: whole devices, and instead of one that is split (MIG) its slices. */

import type { Gpu } from "#shared/domain.ts";
import { memoryBytes } from "./memory.ts";
import { healthColumns, nvidiaFault, remappedFaults } from "./nvidia-health.ts";
import { askNvidia, mebibytes, type NvidiaAnswer, type NvidiaRow, runNvidia } from "./nvidia-smi.ts";

export interface FoundGpus {
	gpus: Gpu[];
	/** Devices that can't be given to a step, and why; "" when there are none. */
	problem: string;
}

export const nvidiaColumns = [
	...(["index", "uuid", "name", "memory.total", "driver_version", "mig.mode.current", "compute_cap"] as const),
	...healthColumns,
] as const;
type Column = (typeof nvidiaColumns)[number];

export const probeNvidiaGpus = async (): Promise<FoundGpus> => {
	const answer = await askNvidia("gpu", nvidiaColumns);
	if (!answer) return { gpus: [], problem: "" };
	const isSplit = answer.rows.some((row) => row["mig.mode.current"] === "Enabled");
	const listed = isSplit ? ((await runNvidia(["-L"])) ?? "") : "";
	const found = parseNvidiaGpus(answer, listed);
	const faults = await remappedFaults();
	const gpus = found.gpus.map((gpu) => ({ ...gpu, fault: gpu.fault || (faults.get(gpu.parent || gpu.id) ?? "") }));
	return { ...found, gpus };
};

/** `listed` is what `nvidia-smi -L` says; needed where a device is split. */
export const parseNvidiaGpus = ({ rows, complaints }: NvidiaAnswer<Column>, listed: string): FoundGpus => {
	const problems = [...complaints];
	const slices = parseSlices(listed);
	const gpus = rows.flatMap((row) => {
		const gpu = toGpu(row);
		if (!/^[\w-]+$/.test(gpu.id)) {
			problems.push(`device ${row.index || "?"} has no UUID: ${gpu.fault || row.name}`);
			return [];
		}
		if (row["mig.mode.current"] !== "Enabled") return [gpu];
		const own = slices.filter(({ parent }) => parent === gpu.id);
		if (own.length === 0) problems.push(`${gpu.id} is split by MIG and has no instances`);
		return own.map((slice) => toSlice(gpu, slice));
	});
	return { gpus, problem: problems.join("; ") };
};

const toGpu = (row: NvidiaRow<Column>): Gpu => ({
	id: row.uuid,
	vendor: "NVIDIA",
	model: row.name,
	// Where it has none of its own, as on GB10, it shares the machine's.
	memoryBytes: mebibytes(row["memory.total"]) ?? (row["memory.total"] === "" ? memoryBytes() : 0),
	driver: row.driver_version,
	index: /^\d+$/.test(row.index) ? Number(row.index) : -1,
	computeCapability: row.compute_cap,
	parent: "",
	fault: nvidiaFault(row),
});

interface Slice {
	id: string;
	parent: string;
	/** Its number among those of the device. */
	device: number;
	/** "1g.10gb" */
	profile: string;
}

/** Below each device's line those of its slices; older drivers name them by the device and two numbers. */
export const parseSlices = (listed: string): Slice[] => {
	const slices: Slice[] = [];
	let parent = "";
	for (const line of listed.split("\n")) {
		parent = /^GPU \d+: .*\(UUID: (GPU-[\w-]+)\)/.exec(line)?.[1] ?? parent;
		const [, profile, device, id] = /^\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[\w/-]+)\)/.exec(line) ?? [];
		if (profile && id) slices.push({ id, parent, device: Number(device), profile });
	}
	return slices;
};

const toSlice = (of: Gpu, { id, profile }: Slice): Gpu => ({
	...of,
	id,
	model: `${of.model} MIG ${profile}`,
	memoryBytes: Math.min(of.memoryBytes, profileBytes(profile)),
	parent: of.id,
});

/** "3g.20gb" is decimal and rounded down: a little less than there is, which a share must not need. */
const profileBytes = (profile: string): number => Number(/(\d+)gb/.exec(profile)?.[1] ?? 0) * 1000 ** 3;
