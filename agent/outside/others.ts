/**
 * What others use, from looks at the whole machine and at what is ours: CPU over about a minute, memory as it is. Both
 * in steps, and only told anew when they have moved by more than one: noise changes nothing.
 */

/** Of the machine, or of the container that the agent is in. CPU seconds count up from some time on. */
export interface Look {
	atMs: number;
	busyCpuSeconds: number;
	cores: number;
	usedMemoryBytes: number;
	memoryBytes: number;
	/** What the agent and its attempts took since the look before. */
	ownCpuSeconds: number;
	/** Of it, what they claimed. */
	ownMemoryBytes: number;
}

export interface Others {
	cpuMillis: number;
	memoryBytes: number;
	totalCpuMillis: number;
	totalMemoryBytes: number;
}

export interface Seen {
	look: Look;
	/** Cores that others keep busy, smoothed; null before there were two looks. */
	busyCores: number | null;
	others: Others;
}

const MEMORY_STEP = 64 * 1024 ** 2;
const CPU_STEP = 100;
const SMOOTHED_OVER_MS = 60_000;

export const takeLook = (before: Seen | null, look: Look): Seen => {
	const busyCores = before ? smoothed(before, look) : null;
	const memory = Math.max(0, look.usedMemoryBytes - look.ownMemoryBytes);
	return {
		look,
		busyCores,
		others: {
			cpuMillis: inSteps(before?.others.cpuMillis, (busyCores ?? 0) * 1000, CPU_STEP),
			memoryBytes: inSteps(before?.others.memoryBytes, memory, MEMORY_STEP),
			totalCpuMillis: look.cores * 1000,
			totalMemoryBytes: look.memoryBytes,
		},
	};
};

const smoothed = ({ look: last, busyCores }: Seen, look: Look): number | null => {
	const elapsedMs = look.atMs - last.atMs;
	if (elapsedMs <= 0) return busyCores;
	const busySeconds = look.busyCpuSeconds - last.busyCpuSeconds - look.ownCpuSeconds;
	const now = Math.min(look.cores, Math.max(0, (busySeconds * 1000) / elapsedMs));
	if (busyCores === null) return now;
	const weight = 1 - Math.exp(-elapsedMs / SMOOTHED_OVER_MS);
	return busyCores + weight * (now - busyCores);
};

/** Rounded alone, a value in the middle between two steps would go to and fro. */
const inSteps = (told: number | undefined, value: number, step: number): number =>
	told !== undefined && Math.abs(value - told) <= step ? told : Math.round(value / step) * step;
