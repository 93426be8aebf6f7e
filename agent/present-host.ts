/**
 * The address to listen on, where agent.json names one that this machine had when it joined and has no longer: a new
 * lease, another network. One that is typed is taken as it is.
 */

import { isIP } from "node:net";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { readAgentFile } from "#shared/agent-file.ts";
import type { AgentOptions } from "./options.ts";

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/** The options as they stand, or with an address that is there; `note` says so. */
export const withPresentHost = (
	options: AgentOptions,
	interfaces: Interfaces = networkInterfaces(),
): { options: AgentOptions; note: string | null } => {
	const { host, advertise, home } = options;
	const kept = readAgentFile(home)?.texts.host?.at(-1);
	const family = isIP(host);
	if (host !== kept || family === 0 || ["0.0.0.0", "::"].includes(host)) return { options, note: null };
	const present = Object.values(interfaces).flatMap((addresses) => addresses ?? []);
	if (host.startsWith("127.") || present.some(({ address }) => address === host)) return { options, note: null };
	const instead = present.find((one) => !one.internal && one.family === `IPv${family}` && !isLinkLocal(one.address));
	if (!instead) return { options, note: null };
	const { address } = instead;
	return {
		options: { ...options, host: address, advertise: advertise === host ? address : advertise },
		note: `this machine has the address ${host} no longer (agent.json): listening on ${address}`,
	};
};

/** Without its zone it is none to dial. */
const isLinkLocal = (address: string): boolean => /^(fe[89ab][0-9a-f]:|169\.254\.)/i.test(address);
