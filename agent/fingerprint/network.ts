/** Network interfaces that others may reach this host by, and how fast their links are. */

import { readFile } from "node:fs/promises";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import type { NetworkInterface } from "#shared/domain.ts";
import type { Probe } from "./probe.ts";

/** Those of containers and virtual machines on this host: there are as many as of these, and nobody else reaches them. */
const OF_GUESTS =
	/^(veth|docker\d|br-[0-9a-f]{12}$|virbr|vnet|vmnet|vboxnet|cni|flannel|cali|cilium|lxc|lxdbr|podman|kube|nerdctl|ifb|dummy|awdl|llw|utun|bridge\d|vEthernet)/;
const MOST = 64;

export const networkProbe: Probe = {
	name: "network",
	find: async () => ({
		network: await Promise.all(
			reachable(networkInterfaces()).map(async ({ name, address }) => ({
				...{ name, address },
				megabitsPerSecond: await speedOf(name),
			})),
		),
	}),
};

type Addresses = Pick<NetworkInterfaceInfo, "address" | "family" | "internal">;

/** Of each interface one address, by name. */
export const reachable = (
	all: Readonly<Record<string, readonly Addresses[] | undefined>>,
): Pick<NetworkInterface, "name" | "address">[] =>
	Object.entries(all)
		.filter(([name]) => !OF_GUESTS.test(name))
		.flatMap(([name, addresses = []]) => {
			const outward = addresses.filter(({ internal }) => !internal);
			const best = outward.sort((a, b) => preference(a) - preference(b))[0];
			return best ? [{ name, address: best.address }] : [];
		})
		.sort((a, b) => (a.name < b.name ? -1 : 1))
		.slice(0, MOST);

/** Of a link alone is worth the least. */
const preference = ({ family, address }: Addresses): number =>
	(/^(fe80:|169\.254\.)/i.test(address) ? 2 : 0) + (family === "IPv4" ? 0 : 1);

/** Linux tells, of most that are real. */
const speedOf = async (name: string): Promise<number> =>
	process.platform === "linux" && !name.includes("/")
		? parseSpeed(await readFile(`/sys/class/net/${name}/speed`, "utf8").catch(() => ""))
		: 0;

/** -1, or that as a number without a sign, is an interface that does not know. */
export const parseSpeed = (text: string): number => {
	const speed = Number(text.trim() || Number.NaN);
	return speed > 0 && speed < 0xffff_ffff ? speed : 0;
};
