/** The processor's name. How many cores may be used, the runtime knows better: it heeds affinity and cgroups. */

import { createRequire } from "node:module";
import type { Fingerprint } from "#shared/domain.ts";

/** The part for processors alone: the package as a whole costs memory for ever. */
type CpuProbe = Pick<typeof import("systeminformation"), "cpu">;

export const probeCpu = async (): Promise<Partial<Fingerprint>> => {
	const { cpu }: CpuProbe = createRequire(import.meta.url)("systeminformation/lib/cpu.js");
	const { manufacturer, brand } = await cpu();
	return { cpuModel: brand.startsWith(manufacturer) ? brand : `${manufacturer} ${brand}`.trim() };
};
