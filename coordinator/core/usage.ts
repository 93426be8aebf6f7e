/** What the members of a gang took together. */

import type { Usage } from "#shared/domain.ts";

/** Time adds up; of memory, and of the wait for set-up, the member counts that had the most. */
export const together = (one: Usage | null, other: Usage | null): Usage | null => {
	if (!one || !other) return one ?? other;
	return {
		setupMs: Math.max(one.setupMs, other.setupMs),
		cpuSeconds: one.cpuSeconds + other.cpuSeconds,
		peakMemoryBytes: Math.max(one.peakMemoryBytes, other.peakMemoryBytes),
		gpuSeconds: one.gpuSeconds + other.gpuSeconds,
		peakGpuMemoryBytes: Math.max(one.peakGpuMemoryBytes, other.peakGpuMemoryBytes),
		limits: { ...other.limits, ...one.limits },
	};
};
