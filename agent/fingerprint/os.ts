/** The operating system's name and release. */

import { createRequire } from "node:module";
import type { Probe } from "./probe.ts";

type OsPart = Pick<typeof import("systeminformation"), "osInfo">;

export const osProbe: Probe = {
	name: "os",
	find: async () => {
		const { osInfo }: OsPart = createRequire(import.meta.url)("systeminformation/lib/osinfo.js");
		const { distro, release, kernel } = await osInfo();
		return { os: `${distro} ${release}`.trim(), kernel };
	},
};
