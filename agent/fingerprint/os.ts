/** The operating system's name and release. */

import { createRequire } from "node:module";
import type { Fingerprint } from "#shared/domain.ts";

type OsProbe = Pick<typeof import("systeminformation"), "osInfo">;

export const probeOs = async (): Promise<Partial<Fingerprint>> => {
	const { osInfo }: OsProbe = createRequire(import.meta.url)("systeminformation/lib/osinfo.js");
	const { distro, release, kernel } = await osInfo();
	return { os: `${distro} ${release}`.trim(), kernel };
};
