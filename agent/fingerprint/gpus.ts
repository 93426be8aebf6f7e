/** All GPUs of this host, whoever made them, and of those what its owner gives. */

import type { Gpu } from "#shared/domain.ts";
import { probeAmdGpus } from "./gpu-amd.ts";
import { probeAppleGpus } from "./gpu-apple.ts";
import { probeJetsonGpu } from "./gpu-jetson.ts";
import { type FoundGpus, probeNvidiaGpus } from "./gpu-nvidia.ts";
import { tellsOfLoss } from "./nvidia-health.ts";
import type { Probe } from "./probe.ts";

export interface GpuProbe extends Probe {
	/** Whose GPUs this host has, given or not: of them a step that asked for none must see none. */
	vendors(): readonly string[];
}

/** Two tools, one after the other, may each take their time. */
const TIMEOUT_MS = 25_000;

/** `given` are numbers or ids; [] gives all, ["none"] none. `faultOf` is what is known of a device besides; "" nothing. */
export const createGpuProbe = (given: readonly string[], faultOf: (id: string) => string): GpuProbe => {
	let vendors: readonly string[] = [];
	let before: readonly Gpu[] = [];
	return {
		name: "gpu",
		timeoutMs: TIMEOUT_MS,
		vendors: () => vendors,
		find: async () => {
			const { gpus: found, problem } = await probeGpus();
			before = [...found, ...lostOf(before, found, problem)];
			vendors = [...new Set(before.map(({ vendor }) => vendor))];
			const all = before.map((gpu) => ({ ...gpu, fault: faultOf(gpu.id) || gpu.fault }));
			const chosen = givenOf(all, given);
			const problems = [problem, chosen.problem].filter((text) => text !== "");
			return { gpus: chosen.gpus, problems: problems.length > 0 ? { gpu: problems.join("; ") } : {} };
		},
	};
};

/** One that went with a complaint was not taken out of the machine, nor split in another way: it is broken. */
export const lostOf = (before: readonly Gpu[], found: readonly Gpu[], problem: string): Gpu[] => {
	if (!tellsOfLoss(problem)) return [];
	const isThere = ({ id, parent }: Gpu): boolean =>
		found.some((gpu) => gpu.id === id || gpu.parent === id || (parent !== "" && [gpu.id, gpu.parent].includes(parent)));
	const gone = before.filter((gpu) => !isThere(gpu));
	return gone.map((gpu) => ({ ...gpu, fault: gpu.fault || `the device is gone: ${problem}` }));
};

/** Fails only when nothing was found and something went wrong: what was known before stays known then. */
const probeGpus = async (): Promise<FoundGpus> => {
	const jetson = await probeJetsonGpu();
	const probes = jetson.gpus.length > 0 ? [] : [probeNvidiaGpus, probeAmdGpus, probeAppleGpus];
	const outcomes = await Promise.allSettled(probes.map((probe) => probe()));
	const found = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
	const failures = outcomes.flatMap(({ status, ...outcome }) =>
		status === "rejected" && "reason" in outcome ? [(outcome.reason as Error).message] : [],
	);
	const gpus = [jetson, ...found].flatMap((one) => one.gpus);
	const problems = [...found.map(({ problem }) => problem), ...failures].filter((text) => text !== "");
	if (failures.length > 0 && gpus.length === 0) throw new Error(problems.join("; "));
	return { gpus, problem: problems.join("; ") };
};

/** A number or an id of a device that is split gives all its slices. */
export const givenOf = (gpus: readonly Gpu[], given: readonly string[]): FoundGpus => {
	if (given.length === 0) return { gpus: [...gpus], problem: "" };
	if (given.includes("none")) return { gpus: [], problem: "" };
	const isMeant = ({ id, parent, index }: Gpu, by: string): boolean => by === id || by === parent || by === `${index}`;
	const missing = given.filter((by) => !gpus.some((gpu) => isMeant(gpu, by)));
	return {
		gpus: gpus.filter((gpu) => given.some((by) => isMeant(gpu, by))),
		problem: missing.length > 0 ? `--gpus names what is not here: ${missing.join(", ")}` : "",
	};
};
