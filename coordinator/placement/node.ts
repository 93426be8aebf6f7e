/** An agent as placement sees it: what it has, less what is placed there. Updated in place as claims come and go. */

import type { Advert, Resources } from "#shared/domain.ts";

export interface DeviceLedger {
	id: string;
	model: string;
	memoryBytes: number;
	freeBytes: number;
	claims: number;
}

export interface AgentNode {
	cpuMillis: number;
	memoryBytes: number;
	freeCpuMillis: number;
	freeMemoryBytes: number;
	devices: DeviceLedger[];
	labels: Record<string, string>;
	/** Why nothing may be placed here; "" when it may. */
	closed: string;
	/** Tasks placed here and not ended. */
	claims: number;
}

/** What one claim took, so that exactly that comes back. */
export interface Claim {
	cpuMillis: number;
	memoryBytes: number;
	devices: { id: string; bytes: number }[];
}

export const newNode = (): AgentNode => ({
	cpuMillis: 0,
	memoryBytes: 0,
	freeCpuMillis: 0,
	freeMemoryBytes: 0,
	devices: [],
	labels: {},
	closed: "not advertised yet",
	claims: 0,
});

/** Takes over an advert's capacity; what is claimed stays claimed. */
export const adoptAdvert = (node: AgentNode, advert: Advert): void => {
	const cpuMillis = advert.capacity?.cpuMillis ?? 0;
	const memoryBytes = advert.capacity?.memoryBytes ?? 0;
	node.freeCpuMillis += cpuMillis - node.cpuMillis;
	node.freeMemoryBytes += memoryBytes - node.memoryBytes;
	node.cpuMillis = cpuMillis;
	node.memoryBytes = memoryBytes;
	node.labels = advert.labels;
	const known = new Map(node.devices.map((device) => [device.id, device]));
	node.devices = (advert.fingerprint?.gpus ?? []).map((gpu) => {
		const before = known.get(gpu.id);
		return {
			id: gpu.id,
			model: gpu.model,
			memoryBytes: gpu.memoryBytes,
			freeBytes: gpu.memoryBytes - (before ? before.memoryBytes - before.freeBytes : 0),
			claims: before?.claims ?? 0,
		};
	});
};

/** Devices that a request would get: the fullest that fit, so that whole ones stay whole. null when too few fit. */
export const chooseDevices = (node: AgentNode, resources: Resources): { id: string; bytes: number }[] | null => {
	const { gpu } = resources;
	if (!gpu || gpu.count === 0) return [];
	const fitting = node.devices
		.filter((device) => device.model.toLowerCase().includes(gpu.model.toLowerCase()))
		.filter((device) => (gpu.memoryBytes === 0 ? device.claims === 0 : device.freeBytes >= gpu.memoryBytes))
		.sort((a, b) => a.freeBytes - b.freeBytes || a.id.localeCompare(b.id));
	if (fitting.length < gpu.count) return null;
	return fitting
		.slice(0, gpu.count)
		.map((device) => ({ id: device.id, bytes: gpu.memoryBytes === 0 ? device.memoryBytes : gpu.memoryBytes }));
};

export const claimOn = (node: AgentNode, resources: Resources): Claim => {
	const claim: Claim = {
		cpuMillis: resources.cpuMillis,
		memoryBytes: resources.memoryBytes,
		devices: chooseDevices(node, resources) ?? [],
	};
	applyClaim(node, claim, 1);
	return claim;
};

export const releaseClaim = (node: AgentNode, claim: Claim): void => applyClaim(node, claim, -1);

const applyClaim = (node: AgentNode, claim: Claim, sign: 1 | -1): void => {
	node.freeCpuMillis -= sign * claim.cpuMillis;
	node.freeMemoryBytes -= sign * claim.memoryBytes;
	node.claims += sign;
	for (const { id, bytes } of claim.devices) {
		const device = node.devices.find((candidate) => candidate.id === id);
		if (!device) continue;
		device.freeBytes -= sign * bytes;
		device.claims += sign;
	}
};
