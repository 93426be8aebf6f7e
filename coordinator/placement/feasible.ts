/** The funnel's first part: each filter says why an agent can't take a request, or null. The first reason stands. */

import type { Resources } from "#shared/domain.ts";
import { formatBytes, formatCpu } from "#shared/pipeline/units.ts";
import { type AgentNode, chooseDevices } from "./node.ts";

export interface PlacementRequest {
	resources: Resources;
	labels: Record<string, string>;
}

/** Tasks held by one agent at once, running or about to. */
const CLAIMS_MAX = 4096;

type Filter = (node: AgentNode, request: PlacementRequest) => string | null;

const open: Filter = (node) => node.closed || null;

const labels: Filter = (node, request) => {
	for (const [label, wanted] of Object.entries(request.labels)) {
		const actual = node.labels[label];
		if (actual !== wanted) return `label ${label} is ${actual ?? "not set"}, ${wanted} wanted`;
	}
	return null;
};

const cpu: Filter = (node, { resources }) =>
	node.freeCpuMillis >= resources.cpuMillis
		? null
		: `cpu: ${formatCpu(resources.cpuMillis)} wanted, ${formatCpu(Math.max(0, node.freeCpuMillis))} of ${formatCpu(node.cpuMillis)} free`;

const memory: Filter = (node, { resources }) =>
	node.freeMemoryBytes >= resources.memoryBytes
		? null
		: `memory: ${formatBytes(resources.memoryBytes)} wanted, ${formatBytes(Math.max(0, node.freeMemoryBytes))} of ${formatBytes(node.memoryBytes)} free`;

const gpu: Filter = (node, { resources }) => {
	if (chooseDevices(node, resources)) return null;
	const wanted = resources.gpu;
	const of = [wanted?.model, wanted?.memoryBytes ? `with ${formatBytes(wanted.memoryBytes)} free` : "whole"];
	return `gpu: ${wanted?.count} ${of.filter(Boolean).join(" ")} wanted, ${node.devices.length} on the agent`;
};

const claims: Filter = (node) => (node.claims < CLAIMS_MAX ? null : `${node.claims} tasks wait there already`);

const filters: readonly Filter[] = [open, labels, gpu, cpu, memory, claims];

/** Why the request does not fit the agent now; null when it does. */
export const rejectReason = (node: AgentNode, request: PlacementRequest): string | null => {
	for (const filter of filters) {
		const reason = filter(node, request);
		if (reason) return reason;
	}
	return null;
};

/** An agent with nothing placed on it: whether the request could ever run there. */
export const emptied = (node: AgentNode): AgentNode => ({
	...node,
	freeCpuMillis: node.cpuMillis,
	freeMemoryBytes: node.memoryBytes,
	devices: node.devices.map((device) => ({ ...device, freeBytes: device.memoryBytes, claims: 0 })),
	claims: 0,
});
