/** The funnel's first part: each filter says why an agent can't take a request, or null. The first reason stands. */

import type { Resources } from "#shared/domain.ts";
import { gpuShortage } from "#shared/gpu-choice.ts";
import { namedShortage, quantities, shortage } from "#shared/shortage.ts";
import { chooseDevices } from "./devices.ts";
import { lackingWords, type Need } from "./needs.ts";
import { type AgentNode, stockOf } from "./node.ts";

export interface PlacementRequest {
	resources: Resources;
	labels: Record<string, string>;
	/** Of the programs on the host; null for nothing. */
	need: Need | null;
	/** How many of them, each for a part of its own. */
	agents: number;
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

const fits = (node: AgentNode, { cpuMillis, memoryBytes, diskBytes }: Resources): boolean =>
	cpuMillis <= node.freeCpuMillis && memoryBytes <= node.freeMemoryBytes && diskBytes <= node.freeDiskBytes;

const amounts: Filter = (node, { resources }) => {
	if (!fits(node, resources)) {
		for (const what of quantities) {
			const reason = shortage(what, resources[what], stockOf(node, what));
			if (reason) return reason;
		}
	}
	return namedShortage(resources.named, node.named, node.claimed.named);
};

const gpu: Filter = ({ devices }, { resources }) =>
	resources.gpu && !chooseDevices(devices, resources.gpu) ? gpuShortage(devices, resources.gpu) : null;

const programs: Filter = (node, { need }) => (need === null || node.meets.includes(need) ? null : lackingWords(need));

const claims: Filter = (node) => (node.claims < CLAIMS_MAX ? null : `${node.claims} tasks wait there already`);

const filters: readonly Filter[] = [open, labels, programs, gpu, amounts, claims];

/** Why the request does not fit the agent now; null when it does. */
export const rejectReason = (node: AgentNode, request: PlacementRequest): string | null => {
	for (const filter of filters) {
		const reason = filter(node, request);
		if (reason) return reason;
	}
	return null;
};
