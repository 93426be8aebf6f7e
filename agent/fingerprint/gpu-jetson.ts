/** The GPU of a Jetson. nvidia-smi is missing there, or tells next to nothing; its memory is the machine's. */

import { readFile } from "node:fs/promises";
import type { FoundGpus } from "./gpu-nvidia.ts";
import { memoryBytes } from "./memory.ts";

export const JETSON_GPU = "jetson-0";

export const probeJetsonGpu = async (root = ""): Promise<FoundGpus> => {
	const [model, compatible, release] = await Promise.all(
		[`${root}/proc/device-tree/model`, `${root}/proc/device-tree/compatible`, `${root}/etc/nv_tegra_release`].map(
			(path) => readFile(path, "utf8").catch(() => ""),
		),
	);
	return { gpus: jetsonGpus(model ?? "", compatible ?? "", release ?? "", memoryBytes()), problem: "" };
};

const capabilities: Readonly<Record<string, string>> = {
	tegra210: "5.3",
	tegra186: "6.2",
	tegra194: "7.2",
	tegra234: "8.7",
	tegra264: "11.0",
};

/** The device tree's texts end in zero bytes. */
export const jetsonGpus = (
	model: string,
	compatible: string,
	release: string,
	machineBytes: number,
): FoundGpus["gpus"] => {
	const chip = /nvidia,(tegra\d+)/.exec(compatible)?.[1] ?? "";
	if (!/jetson/i.test(model) && !Object.hasOwn(capabilities, chip)) return [];
	const [, major, minor] = /R(\d+) \(release\), REVISION: ([\d.]+)/.exec(release) ?? [];
	return [
		{
			...{ id: JETSON_GPU, vendor: "NVIDIA", index: 0, parent: "", fault: "" },
			model: model.replaceAll("\0", "").trim() || "NVIDIA Jetson",
			memoryBytes: machineBytes,
			driver: major ? `L4T ${major}.${minor}` : "",
			computeCapability: capabilities[chip] ?? "",
		},
	];
};
