/**
 * How a step is told which devices are its own: by the vendors' variables, which their libraries obey. One that was
 * given none sees none. Nothing here keeps a hostile program from a device; the monitor sees it there.
 */

import type { Gpu } from "#shared/domain.ts";
import { JETSON_GPU } from "../fingerprint/gpu-jetson.ts";
import { AttemptError } from "../runner/failure.ts";

export interface StepDevices {
	given: readonly Gpu[];
	/** On each of them; 0 for whole devices. */
	shareBytes: number;
	/** Whose devices this host has: what was not given of them is hidden. */
	vendors: readonly string[];
}

/** A device may have gone between the promise and the launch: another place may have it. */
export const givenDevices = (gpuIds: readonly string[], gpus: readonly Gpu[]): Gpu[] =>
	gpuIds.map((id) => {
		const device = gpus.find((gpu) => gpu.id === id);
		if (!device) throw new AttemptError("lost", `the device ${id}, which it was given, is gone`);
		return device;
	});

type Variables = Record<string, string>;

/** A step can't set these itself. */
export const deviceVariables = ({ given, shareBytes, vendors }: StepDevices): Variables => {
	const by = (vendor: string): Gpu[] => given.filter((gpu) => gpu.vendor === vendor);
	return {
		...(vendors.includes("NVIDIA") ? nvidiaVariables(by("NVIDIA")) : {}),
		...(vendors.includes("AMD") ? amdVariables(by("AMD")) : {}),
		...(shareBytes > 0 && given.length > 0 ? { RUNMESH_GPU_MEMORY: String(shareBytes) } : {}),
	};
};

const nvidiaVariables = (given: readonly Gpu[]): Variables => {
	if (given.length === 0) return { CUDA_VISIBLE_DEVICES: "", NVIDIA_VISIBLE_DEVICES: "void" };
	const order = { CUDA_DEVICE_ORDER: "PCI_BUS_ID" };
	// Its runtime knows the only device there is by number alone.
	if (given[0]?.id === JETSON_GPU) return { ...order, CUDA_VISIBLE_DEVICES: "0", NVIDIA_VISIBLE_DEVICES: "all" };
	const ids = given.map(({ id }) => id).join(",");
	return { ...order, CUDA_VISIBLE_DEVICES: ids, NVIDIA_VISIBLE_DEVICES: ids };
};

/** ROCm's runtime leaves the devices that it is told; HIP, above it, counts those. */
const amdVariables = (given: readonly Gpu[]): Variables =>
	given.length === 0
		? { ROCR_VISIBLE_DEVICES: "", HIP_VISIBLE_DEVICES: "-1" }
		: {
				ROCR_VISIBLE_DEVICES: given.map(({ id, index }) => (id.startsWith("GPU-") ? id : index)).join(","),
				HIP_VISIBLE_DEVICES: given.map((_, at) => at).join(","),
			};

/** A process has its context there before it has any data. */
const CONTEXT_BYTES = 512 * 1024 ** 2;

/**
 * What makes libraries that would take the whole device content with a share; a step may set others. PyTorch takes what
 * it needs, and has no variable that all its releases accept.
 */
export const sharingHints = ({ given, shareBytes }: StepDevices): Variables => {
	if (shareBytes === 0 || given.length === 0) return {};
	const largest = Math.max(...given.map(({ memoryBytes }) => memoryBytes));
	const fraction = Math.max(shareBytes / 2, shareBytes - CONTEXT_BYTES) / largest;
	const inThousandths = Math.max(0.001, Math.floor(fraction * 1000) / 1000);
	return { XLA_PYTHON_CLIENT_MEM_FRACTION: String(inThousandths), TF_FORCE_GPU_ALLOW_GROWTH: "true" };
};
