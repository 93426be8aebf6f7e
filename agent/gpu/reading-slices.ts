/** What is used of slices (MIG), from nvidia-smi's report in XML: nothing shorter tells it. */

import type { ProcessReading } from "./reading.ts";

interface SliceReading {
	id: string;
	parent: string;
	usedBytes: number | null;
}

interface KnownSlice {
	id: string;
	parent: string;
	/** Its number among those of the device. */
	device: number;
}

/** The report names slices by their number and by two instances; `known` has their ids. */
export const readSlices = (
	report: string,
	known: readonly KnownSlice[],
): { devices: SliceReading[]; processes: ProcessReading[] } => {
	const devices: SliceReading[] = [];
	const processes: ProcessReading[] = [];
	for (const gpu of elements(report, "gpu")) {
		const parent = text(gpu, "uuid", "GPU-");
		const byInstance = new Map<string, string>();
		for (const slice of elements(gpu, "mig_device")) {
			const own = known.find((one) => one.parent === parent && one.device === Number(text(slice, "index")));
			if (!own) continue;
			byInstance.set(instanceOf(slice), own.id);
			const memory = elements(slice, "fb_memory_usage")[0] ?? "";
			devices.push({ id: own.id, parent, usedBytes: mebibytesOf(text(memory, "used")) });
		}
		for (const process of elements(gpu, "process_info")) {
			const deviceId = byInstance.get(instanceOf(process));
			const pid = Number(text(process, "pid"));
			if (deviceId && pid > 0) processes.push({ pid, deviceId, bytes: mebibytesOf(text(process, "used_memory")) });
		}
	}
	return { devices, processes };
};

const instanceOf = (xml: string): string => `${text(xml, "gpu_instance_id")}/${text(xml, "compute_instance_id")}`;

/** None of them holds one of its own name. */
const elements = (xml: string, name: string): string[] =>
	[...xml.matchAll(new RegExp(`<${name}(?: [^>]*)?>([\\s\\S]*?)</${name}>`, "g"))].map(([, inner = ""]) => inner);

/** The first that begins so. */
const text = (xml: string, name: string, beginning = ""): string =>
	elements(xml, name)
		.map((inner) => inner.trim())
		.find((inner) => inner.startsWith(beginning)) ?? "";

const mebibytesOf = (words: string): number | null => {
	const [, count] = /^(\d+) MiB$/.exec(words) ?? [];
	return count === undefined ? null : Number(count) * 1024 ** 2;
};
