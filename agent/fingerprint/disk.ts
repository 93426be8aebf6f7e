/** The disk that holds the agent's folder. */

import { statfs } from "node:fs/promises";
import { inTime } from "../in-time.ts";
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

/** Of a disk that works; all that waits for it is told of a little later. */
const ANSWER_MS = 500;

/** For whoever must not wait for a disk that hangs: what it said last then. It is asked once until it answers. */
export const diskGauge = (folder: string, read = diskAvailableBytes): (() => Promise<number>) => {
	let last = 0;
	let asked: Promise<number> | null = null;
	return async () => {
		asked ??= read(folder).finally(() => {
			asked = null;
		});
		last = await inTime(asked, ANSWER_MS).catch(() => last);
		return last;
	};
};
