/** Which version of control groups this host has: "v2" where they are mounted alone, "v1" where older controllers are. */

import { readFile } from "node:fs/promises";
import type { Probe } from "./probe.ts";

export const cgroupProbe: Probe = {
	name: "cgroup",
	find: async () => ({
		cgroup: process.platform === "linux" ? parseCgroup(await readFile("/proc/self/mounts", "utf8")) : "",
	}),
};

/** Those that limits are set with. A program of its own may have mounted another, such as net_cls, beside v2. */
const LIMITING = new Set(["memory", "cpu"]);

/** Of /proc/self/mounts. systemd may mount an empty v2 tree beside v1's controllers: limits are set in the latter. */
export const parseCgroup = (mounts: string): string => {
	let version = "";
	for (const line of mounts.split("\n")) {
		const [, , kind, options = ""] = line.split(" ");
		if (kind === "cgroup2") version = "v2";
		else if (kind === "cgroup" && options.split(",").some((option) => LIMITING.has(option))) return "v1";
	}
	return version;
};
