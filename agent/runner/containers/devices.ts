/** How a container is given the attempt's GPUs, and no others. */

import { readdirSync, statSync } from "node:fs";
import type { Gpu } from "#shared/domain.ts";
import { JETSON_GPU } from "../../fingerprint/gpu-jetson.ts";
import { AttemptError } from "../failure.ts";
import type { Engine } from "./engine.ts";

type Device = Pick<Gpu, "id" | "vendor">;

export const deviceArgs = (engine: Engine, devices: readonly Device[], folder = "/dev"): string[] => {
	if (devices.length === 0) return [];
	const vendors = new Set(devices.map(({ vendor }) => vendor.toLowerCase()));
	const [vendor = ""] = vendors;
	if (vendors.size === 1 && vendor.includes("nvidia")) return nvidiaArgs(engine, devices);
	if (vendors.size === 1 && vendor.includes("amd")) return amdArgs(engine, folder);
	throw new AttemptError("setup", `no container can be given a GPU of ${[...vendors].join(" and ")} here`);
};

/** The quotes are the engine's: without them a comma begins another setting. */
const nvidiaArgs = (engine: Engine, devices: readonly Device[]): string[] => {
	if (engine.name === "podman") return devices.flatMap(({ id }) => ["--device", `nvidia.com/gpu=${nameOf(id)}`]);
	// A Jetson's has no name by which it could be asked for.
	if (devices.some(({ id }) => id === JETSON_GPU)) return ["--runtime", "nvidia"];
	return ["--gpus", `"device=${devices.map(({ id }) => id).join(",")}"`];
};

const nameOf = (id: string): string => (id === JETSON_GPU ? "all" : id);

/** The driver has one door for all of them: which ones the step sees, ROCR_VISIBLE_DEVICES says. */
const amdArgs = (engine: Engine, folder: string): string[] => [
	...["--device", `${folder}/kfd`, "--device", `${folder}/dri`],
	...(engine.name === "podman"
		? ["--group-add", "keep-groups"]
		: groupsOf([`${folder}/kfd`, ...rendersIn(`${folder}/dri`)]).flatMap((group) => ["--group-add", String(group)])),
];

const rendersIn = (folder: string): string[] => {
	try {
		return readdirSync(folder)
			.filter((name) => name.startsWith("renderD"))
			.map((name) => `${folder}/${name}`);
	} catch {
		return [];
	}
};

/** That may open them, but for root's own. */
const groupsOf = (paths: readonly string[]): number[] => {
	const groups = paths.map((path) => statSync(path, { throwIfNoEntry: false })?.gid ?? 0);
	return [...new Set(groups)].filter((group) => group > 0);
};
