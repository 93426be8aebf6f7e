/** NUMA nodes that have processors: those of memory alone, such as a GPU's, place nothing that runs. */

import { readFile } from "node:fs/promises";
import type { Probe } from "./probe.ts";

const FOLDER = "/sys/devices/system/node";

export const numaProbe: Probe = {
	name: "numa",
	find: async () => {
		if (process.platform !== "linux") return {};
		const read = (file: string): Promise<string> => readFile(`${FOLDER}/${file}`, "utf8").catch(() => "");
		return { numaNodes: countList(await read("has_cpu")) || countList(await read("online")) };
	},
};

/** How many a list such as "0-3,8" names. */
export const countList = (text: string): number =>
	text
		.trim()
		.split(",")
		.reduce((count, range) => {
			const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
			return first === undefined ? count : count + Math.max(0, Number(last ?? first) - Number(first)) + 1;
		}, 0);
