/** By which address another machine finds the coordinator that we ask by one of this machine's own. */

import { networkInterfaces } from "node:os";
import { endpointOf, isOwnAddress, withHost } from "./addresses.ts";
import { reach } from "./reach.ts";

/** The URL itself where it is no address of this machine alone; null when the coordinator listens on no other. */
export const dialableUrl = async (url: string): Promise<string | null> => {
	const { host, port } = endpointOf(url);
	if (!isOwnAddress(host)) return url;
	const outward = Object.values(networkInterfaces())
		.flatMap((addresses) => addresses ?? [])
		.filter(({ internal, family }) => !internal && family === "IPv4");
	for (const { address } of outward) {
		const reached = await reach({ host: address, port });
		if (reached.ok) return withHost(url, address);
	}
	return null;
};
