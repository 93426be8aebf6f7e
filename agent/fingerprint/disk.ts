/** The disk that holds the agent's folder. */

import { statfs } from "node:fs/promises";
import type { Fingerprint } from "#shared/domain.ts";

export const probeDisk = async (folder: string): Promise<Partial<Fingerprint>> => {
	const { blocks, bsize } = await statfs(folder);
	return { diskBytes: blocks * bsize };
};

export const diskAvailableBytes = async (folder: string): Promise<number> => {
	const { bavail, bsize } = await statfs(folder);
	return bavail * bsize;
};
