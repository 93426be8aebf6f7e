/** GPUs for tests: whole devices that work, unless said otherwise. */

import type { Gpu } from "#shared/domain.ts";

export const gpuOf = (id: string, memoryBytes: number, more: Partial<Gpu> = {}): Gpu => ({
	...{ id, vendor: "NVIDIA", model: "T4", memoryBytes, driver: "", index: -1 },
	...{ computeCapability: "", parent: "", fault: "" },
	...more,
});
