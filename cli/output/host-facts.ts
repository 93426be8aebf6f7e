/** What an agent's machine is and has, as named facts, and its GPUs as a table. */

import type { AgentView } from "#shared/api.ts";
import type { Fingerprint, Gpu, NetworkInterface } from "#shared/domain.ts";
import { formatBytes, formatNumber, plural } from "./format.ts";
import type { View } from "./print.ts";
import type { Cell } from "./table.ts";
import { oneLine } from "./text.ts";

export type Fact = readonly [name: string, value: string];

export const hostFacts = (host: Fingerprint): Fact[] => [
	["host", `${host.hostname}, ${host.os} ${host.arch}, kernel ${host.kernel}`],
	[
		"cpu",
		list(
			host.cpuModel,
			plural(host.cpuCores, "core"),
			some(host.cpuSockets, "socket"),
			some(host.numaNodes, "NUMA node"),
		),
	],
	["memory", list(formatBytes(host.memoryBytes), host.swapBytes > 0 ? `${formatBytes(host.swapBytes)} swap` : "")],
	["disk", formatBytes(host.diskBytes)],
	...host.network.map((link): Fact => ["network", networkText(link)]),
	["cgroup", host.cgroup || "none"],
	["limits", pairs(host.limits) || "none is kept here"],
	["runtimes", pairs(host.runtimes)],
	...Object.entries(host.problems).map(([name, problem]): Fact => ["problem", `${name}: ${problem}`]),
];

/** One is what everybody expects. */
const some = (count: number, what: string): string => (count > 1 ? plural(count, what) : "");

const list = (...parts: string[]): string => parts.filter((part) => part !== "").join(", ");

const pairs = (values: Record<string, string>): string =>
	list(...Object.entries(values).map(([name, value]) => `${name} ${value}`));

const networkText = ({ name, address, megabitsPerSecond }: NetworkInterface): string => {
	const speed =
		megabitsPerSecond >= 1_000 ? `${formatNumber(megabitsPerSecond / 1_000)} Gbit/s` : `${megabitsPerSecond} Mbit/s`;
	return list(`${name} ${address}`, megabitsPerSecond > 0 ? speed : "");
};

const columns = [
	{ header: "GPU", align: "right" as const },
	{ header: "MODEL", flexible: true },
	{ header: "MEMORY", align: "right" as const },
	{ header: "FREE", align: "right" as const },
	{ header: "RUNNING", align: "right" as const },
	{ header: "COMPUTE" },
	{ header: "DRIVER" },
	{ header: "ID", flexible: true },
	{ header: "DETAILS", flexible: true },
];

/** Empty where there is none. */
export const deviceTable = ({ fingerprint, devices }: AgentView, { table, style }: View): string[] => {
	const gpus = fingerprint?.gpus ?? [];
	if (gpus.length === 0) return [];
	const rows = gpus.map((gpu): Cell[] => {
		const now = devices.find(({ id }) => id === gpu.id);
		return [
			gpu.index < 0 ? "" : String(gpu.index),
			oneLine(gpu.model),
			formatBytes(gpu.memoryBytes),
			now ? formatBytes(now.freeBytes) : "",
			now ? String(now.attempts) : "",
			oneLine(gpu.computeCapability),
			oneLine(gpu.driver),
			oneLine(gpu.id),
			detailsOf(gpu, now?.reason ?? "", style),
		];
	});
	return table(columns, rows);
};

const detailsOf = ({ fault, parent }: Gpu, reason: string, { bad, waiting }: View["style"]): Cell => {
	if (fault !== "") return { text: oneLine(`fault: ${fault}`), paint: bad };
	if (reason !== "") return { text: oneLine(reason), paint: waiting };
	return parent === "" ? "" : oneLine(`part of ${parent}`);
};
