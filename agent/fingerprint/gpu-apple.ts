/** The GPU of Apple's own chips. Its memory is the machine's: what macOS lets it have of that. */

import type { FoundGpus } from "./gpu-nvidia.ts";
import { memoryBytes } from "./memory.ts";
import { askTool } from "./tool.ts";

const TIMEOUT_MS = 10_000;

export const probeAppleGpus = async (): Promise<FoundGpus> => {
	if (process.platform !== "darwin") return { gpus: [], problem: "" };
	const text = await askTool("system_profiler", ["SPDisplaysDataType", "-json"], TIMEOUT_MS);
	return text === null ? { gpus: [], problem: "" } : parseDisplays(text, memoryBytes());
};

interface Displays {
	SPDisplaysDataType?: Record<string, unknown>[];
}

/** Others than Apple's, in older Macs, run nothing that steps are written in today. */
export const parseDisplays = (text: string, machineBytes: number): FoundGpus => {
	const { SPDisplaysDataType: found = [] }: Displays = JSON.parse(text);
	const own = found.filter(({ spdisplays_vendor: vendor }) => vendor === "sppci_vendor_Apple");
	const gpus = own.map((device, index) => ({
		...{ id: `apple-${index}`, vendor: "Apple", index, driver: "", computeCapability: metalOf(device), parent: "" },
		...{ model: modelOf(device), memoryBytes: shareOf(machineBytes), fault: "" },
	}));
	return { gpus, problem: "" };
};

const modelOf = ({ sppci_model: model, sppci_cores: cores }: Record<string, unknown>): string =>
	typeof cores === "string" ? `${model} (${cores} cores)` : String(model);

const metalOf = ({ spdisplays_mtlgpufamilysupport: family }: Record<string, unknown>): string =>
	typeof family === "string" ? family.replace("spdisplays_", "") : "";

const LARGE_BYTES = 36 * 1024 ** 3;

/** Metal's own limit for one that is not told otherwise: two thirds, of a large memory three quarters. */
const shareOf = (bytes: number): number => Math.floor(bytes >= LARGE_BYTES ? (bytes * 3) / 4 : (bytes * 2) / 3);
