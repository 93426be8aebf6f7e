/** NVIDIA's GPUs, as nvidia-smi tells them. */

import type { Gpu } from "#shared/domain.ts";
import { askTool } from "./tool.ts";

export interface FoundGpus {
	gpus: Gpu[];
	/** Devices that can't be given to a step, and why; "" when there are none. */
	problem: string;
}

const COLUMNS = ["uuid", "name", "memory.total", "driver_version", "mig.mode.current"];

export const probeNvidiaGpus = async (): Promise<FoundGpus> => {
	const text = await askTool("nvidia-smi", [`--query-gpu=${COLUMNS.join(",")}`, "--format=csv,noheader,nounits"]);
	return text === null ? { gpus: [], problem: "" } : parseGpus(text);
};

/** One line for each device; what a device does not tell reads "[N/A]" or "[Not Supported]". */
export const parseGpus = (text: string): FoundGpus => {
	const gpus: Gpu[] = [];
	const problems: string[] = [];
	for (const line of text.split("\n")) {
		if (line.trim() === "") continue;
		const [id = "", model = "", mebibytes = "", driver = "", mig = ""] = line.split(",").map((field) => field.trim());
		if (!/^[\w-]+$/.test(id)) problems.push(`a line that is no device: ${line.trim().slice(0, 200)}`);
		else if (mig === "Enabled") problems.push(`${id} is split by MIG, which is not supported yet`);
		else gpus.push({ id, vendor: "NVIDIA", model, memoryBytes: (Number(mebibytes) || 0) * 1024 ** 2, driver });
	}
	return { gpus, problem: problems.join("; ") };
};
