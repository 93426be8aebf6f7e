/** What an attempt took, put together from those who know: its box, its container, its devices. */

import type { Task, Usage } from "#shared/domain.ts";
import type { Ending } from "../../core/commands.ts";
import type { Taken } from "../limits/measure.ts";

export interface UsageParts {
	taken: Taken;
	/** Of its container, beside which what its client takes is nothing; null without one. */
	container: { cpuSeconds: number; peakMemoryBytes: number; limits: Record<string, string> } | null;
	devices: { gpuSeconds: number; peakGpuMemoryBytes: number };
	/** When the agent took it; 0 when nobody knows any more. */
	acceptedAtMs: number;
	startedAtMs: number;
}

export const usageFrom = ({ taken, container, devices, acceptedAtMs, startedAtMs }: UsageParts): Usage => {
	const { cpuSeconds, peakMemoryBytes, limits } = container ?? taken;
	const setupMs = acceptedAtMs > 0 ? Math.max(0, Math.round(startedAtMs - acceptedAtMs)) : 0;
	return { setupMs, cpuSeconds, peakMemoryBytes: Math.round(peakMemoryBytes), ...devices, limits };
};

type Exited = Extract<Ending, { kind: "exited" }>;

/** What the kernel did to it is not what it did itself; why it was stopped counts before that. */
export const nameOutOfMemory = (ending: Exited, { outOfMemory }: Taken): Exited =>
	outOfMemory === "" || ending.stop
		? ending
		: { ...ending, exit: { ...ending.exit, why: { cause: "oom", message: outOfMemory } } };

/** A container's are its engine's to keep. */
export const limitsHere = ({ image, limits }: Task): Task["limits"] =>
	image === "" ? limits : { ...limits, cpuMillis: 0, memoryBytes: 0 };
