/** How much of a disk stays free whatever runs: for the agent's own records, and for those the disk belongs to. */

import { statfs } from "node:fs/promises";

export interface Room {
	/** For this user. */
	availableBytes: number;
	/** Nothing new is taken below it, and what can be had again goes. */
	floorBytes: number;
	/** Below it something that runs is stopped: a full disk would end all of it. */
	criticalBytes: number;
}

const GIBIBYTE = 1024 ** 3;

/** `minFreeBytes` is what the owner said; null for the usual. */
export const floorOf = (totalBytes: number, minFreeBytes: number | null): number =>
	Math.min(minFreeBytes ?? Math.max(GIBIBYTE, totalBytes / 50), totalBytes / 4);

export const roomOn = async (folder: string, minFreeBytes: number | null): Promise<Room> => {
	const { blocks, bavail, bsize } = await statfs(folder);
	const floorBytes = floorOf(blocks * bsize, minFreeBytes);
	return { availableBytes: bavail * bsize, floorBytes, criticalBytes: floorBytes / 2 };
};
