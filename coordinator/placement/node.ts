/** An agent as placement sees it: what it has, less what others use and what is placed there. Updated in place. */

import type { Advert, Resources, Usable } from "#shared/domain.ts";
import { claimNamed, freeOf, type Named, type Quantity, type Stock } from "#shared/shortage.ts";
import {
	chooseDevices,
	claimDevices,
	type DeviceClaim,
	type DeviceLedger,
	devicesOf,
	emptiedDevices,
	limitDevices,
} from "./devices.ts";
import { type Need, needsMetBy } from "./needs.ts";

export interface AgentNode {
	/** What its owner gives. */
	cpuMillis: number;
	memoryBytes: number;
	diskBytes: number;
	named: Named;
	/** What others on the machine leave of it; null when the agent does not tell. */
	usable: Usable | null;
	freeCpuMillis: number;
	freeMemoryBytes: number;
	freeDiskBytes: number;
	claimed: Claimed;
	devices: DeviceLedger[];
	labels: Record<string, string>;
	/** What its host has of what steps may need. */
	meets: readonly Need[];
	/** Why nothing may be placed here; "" when it may. */
	closed: string;
	/** Tasks placed here and not ended. */
	claims: number;
}

interface Claimed extends Record<Quantity, number> {
	named: Map<string, number>;
}

/** What one claim took, so that exactly that comes back. */
export interface Claim extends Record<Quantity, number> {
	named: Named;
	devices: DeviceClaim[];
}

const nothingClaimed = (): Claimed => ({ cpuMillis: 0, memoryBytes: 0, diskBytes: 0, named: new Map() });

export const newNode = (): AgentNode => ({
	...{ cpuMillis: 0, memoryBytes: 0, diskBytes: 0, named: {} },
	usable: null,
	...{ freeCpuMillis: 0, freeMemoryBytes: 0, freeDiskBytes: 0 },
	claimed: nothingClaimed(),
	devices: [],
	labels: {},
	meets: [],
	closed: "not advertised yet",
	claims: 0,
});

/** Takes over an advert's capacity; what is claimed stays claimed. */
export const adoptAdvert = (node: AgentNode, { capacity, labels, fingerprint }: Advert): void => {
	node.cpuMillis = capacity?.cpuMillis ?? 0;
	node.memoryBytes = capacity?.memoryBytes ?? 0;
	node.diskBytes = capacity?.diskBytes ?? 0;
	node.named = capacity?.named ?? {};
	node.labels = labels;
	node.meets = needsMetBy(fingerprint?.runtimes ?? {});
	node.devices = devicesOf(fingerprint?.gpus ?? [], node.usable, node.devices);
	recount(node);
};

/** What a heartbeat says that others leave. */
export const adoptUsable = (node: AgentNode, usable: Usable | null): void => {
	node.usable = usable;
	limitDevices(node.devices, usable);
	recount(node);
};

export const stockOf = (node: AgentNode, what: Quantity): Stock => ({
	capacity: node[what],
	usable: Math.min(node[what], node.usable?.[what] ?? node[what]),
	claimed: node.claimed[what],
});

const recount = (node: AgentNode): void => {
	node.freeCpuMillis = freeOf(stockOf(node, "cpuMillis"));
	node.freeMemoryBytes = freeOf(stockOf(node, "memoryBytes"));
	node.freeDiskBytes = freeOf(stockOf(node, "diskBytes"));
};

export const claimOn = (node: AgentNode, { cpuMillis, memoryBytes, diskBytes, named, gpu }: Resources): Claim => {
	const devices = chooseDevices(node.devices, gpu) ?? [];
	const claim: Claim = { cpuMillis, memoryBytes, diskBytes, named, devices };
	applyClaim(node, claim, 1);
	return claim;
};

export const releaseClaim = (node: AgentNode, claim: Claim): void => applyClaim(node, claim, -1);

const applyClaim = (node: AgentNode, claim: Claim, sign: 1 | -1): void => {
	node.claimed.cpuMillis += sign * claim.cpuMillis;
	node.claimed.memoryBytes += sign * claim.memoryBytes;
	node.claimed.diskBytes += sign * claim.diskBytes;
	claimNamed(node.claimed.named, claim.named, sign);
	claimDevices(node.devices, claim.devices, sign);
	node.claims += sign;
	recount(node);
};

/** The same agent with nothing placed on it: whether a request would run there but for other steps. */
export const unclaimed = (node: AgentNode, usable = node.usable): AgentNode => {
	const devices = emptiedDevices(node.devices, usable);
	const empty = { ...node, usable, claimed: nothingClaimed(), devices, claims: 0 };
	recount(empty);
	return empty;
};

/** Used by nobody else either: whether a request could ever run there. */
export const emptied = (node: AgentNode): AgentNode => unclaimed(node, null);
