/** AMD's driver tells everything in files: no tool needs to be started. */

import { readdir, readFile } from "node:fs/promises";
import type { Gpu } from "#shared/domain.ts";
import type { DeviceReading, ProcessReading, Reading } from "./reading.ts";

interface Node {
	deviceId: string;
	/** By which processes' use is named. */
	gpuId: string;
	/** Of its files. */
	folder: string;
}

export const readAmd = async (gpus: readonly Gpu[], sys = "/sys"): Promise<Reading> => {
	const kfd = `${sys}/class/kfd/kfd`;
	const nodes = await nodesOf(gpus, kfd, sys);
	const devices = await Promise.all(
		nodes.map(async ({ deviceId, folder }): Promise<[string, DeviceReading]> => {
			const [used, busy] = [
				await numberIn(`${folder}/mem_info_vram_used`),
				await numberIn(`${folder}/gpu_busy_percent`),
			];
			const rest = { fault: "", uncorrected: 0, bus: "" };
			return [deviceId, { usedBytes: used, busy: busy === null ? null : busy / 100, ...rest }];
		}),
	);
	const processes: ProcessReading[] = [];
	for (const pid of await readdir(`${kfd}/proc`).catch(() => [])) {
		for (const { deviceId, gpuId } of /^\d+$/.test(pid) ? nodes : []) {
			const bytes = await numberIn(`${kfd}/proc/${pid}/vram_${gpuId}`);
			// Who only looked at it is listed too.
			if (bytes !== null && bytes > 0) processes.push({ pid: Number(pid), deviceId, bytes });
		}
	}
	return { devices: new Map(devices), processes, vendors: nodes.length > 0 ? ["AMD"] : [], complaints: [] };
};

/** The driver's nodes are processors too, which have no id; the others stand in the order of the cards. */
const nodesOf = async (gpus: readonly Gpu[], kfd: string, sys: string): Promise<Node[]> => {
	const folders = (await readdir(`${kfd}/topology/nodes`).catch(() => [])).sort((a, b) => Number(a) - Number(b));
	const nodes: Node[] = [];
	for (const name of folders) {
		const place = `${kfd}/topology/nodes/${name}`;
		const gpuId = (await textIn(`${place}/gpu_id`)) ?? "0";
		if (gpuId === "0") continue;
		const properties = (await textIn(`${place}/properties`)) ?? "";
		const property = (key: string): string => new RegExp(`^${key} (\\d+)$`, "m").exec(properties)?.[1] ?? "0";
		const uniqueId = BigInt(property("unique_id")).toString(16).padStart(16, "0");
		const device =
			gpus.find(({ id }) => id === `GPU-${uniqueId}`) ?? gpus.find(({ id }) => id === `amd-${nodes.length}`);
		const folder = `${sys}/class/drm/renderD${property("drm_render_minor")}/device`;
		nodes.push({ deviceId: device?.id ?? "", gpuId, folder });
	}
	return nodes.filter(({ deviceId }) => deviceId !== "");
};

const textIn = async (path: string): Promise<string | null> =>
	readFile(path, "utf8").then(
		(text) => text.trim(),
		() => null,
	);

const numberIn = async (path: string): Promise<number | null> => {
	const text = await textIn(path);
	return text !== null && /^\d+$/.test(text) ? Number(text) : null;
};
