/** Memory that processes here may use: the machine's, or the container's limit; and the machine's swap. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { totalmem } from "node:os";
import type { Probe } from "./probe.ts";

type MemoryPart = Pick<typeof import("systeminformation"), "mem">;

export const memoryProbe: Probe = {
	name: "memory",
	find: async () => ({ memoryBytes: memoryBytes(), swapBytes: await swapBytes() }),
};

export const memoryBytes = (): number => {
	const limit = process.constrainedMemory();
	// Without a limit it says 0, or more than there is.
	return limit > 0 && limit < totalmem() ? limit : totalmem();
};

const swapBytes = async (): Promise<number> => {
	if (process.platform === "linux") return parseSwap(await readFile("/proc/meminfo", "utf8"));
	const { mem }: MemoryPart = createRequire(import.meta.url)("systeminformation/lib/memory.js");
	return (await mem()).swaptotal || 0;
};

/** Of /proc/meminfo; 0 where it does not say. */
export const parseSwap = (text: string): number => Number(/^SwapTotal:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
