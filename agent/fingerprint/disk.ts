/** The disk that holds the agent's folder. */

import { statfs } from "node:fs/promises";
import type { Probe } from "./probe.ts";

export const diskProbe = (folder: string): Probe => ({
	name: "disk",
	find: async () => {
		const { blocks, bsize } = await statfs(folder);
		return { diskBytes: blocks * bsize };
	},
});

export const diskAvailableBytes = async (folder: string): Promise<number> => {
	const { bavail, bsize } = await statfs(folder);
	return bavail * bsize;
};
