/** The processor's name and its sockets. How many cores may be used, the runtime knows better: it heeds affinity and cgroups. */

import { createRequire } from "node:module";
import type { Probe } from "./probe.ts";

/** The part for processors alone: the package as a whole costs memory for ever. */
type CpuPart = Pick<typeof import("systeminformation"), "cpu">;

export const cpuProbe: Probe = {
	name: "cpu",
	find: async () => {
		const { cpu }: CpuPart = createRequire(import.meta.url)("systeminformation/lib/cpu.js");
		const { manufacturer, brand, processors } = await cpu();
		return {
			cpuModel: brand.startsWith(manufacturer) ? brand : `${manufacturer} ${brand}`.trim(),
			cpuSockets: processors || 0,
		};
	},
};
