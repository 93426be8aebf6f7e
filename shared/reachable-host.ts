/** At which address others find a process that listens on this machine. */

import { hostname, type NetworkInterfaceInfo, networkInterfaces } from "node:os";

/** Networks of container engines and virtual machines, which nobody else is in. */
const INNER = /^(docker|br-|veth|virbr|vmnet|cni|podman|lxc|lxd)/;

const isAnyAddress = (host: string): boolean => host === "0.0.0.0" || host === "::";

/**
 * `host` itself; where that is every address, the first that leads out of this machine: its name often means loopback on
 * the machine itself and is unknown elsewhere. The name, where there is no address.
 */
export const reachableHost = (
	host: string,
	interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): string => {
	if (!isAnyAddress(host)) return host;
	const outward = Object.entries(interfaces).flatMap(([name, addresses = []]) =>
		INNER.test(name) ? [] : addresses.filter(({ internal, family }) => !internal && family === "IPv4"),
	);
	return outward[0]?.address ?? hostname();
};
