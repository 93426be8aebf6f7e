/** Feasible → rank → place, for one request, of one agent or several at once, over the agents at hand. The same call serves live placement and `plan`. */

import type { AgentId } from "#shared/ids.ts";
import { type PlacementRequest, rejectReason } from "./feasible.ts";
import type { AgentNode } from "./node.ts";

export interface Candidate {
	id: AgentId;
	node: AgentNode;
	/** Bytes of the request's inputs that lie there already. */
	localBytes: number;
}

export interface Placement {
	/** As many as were asked for, the best first; [] when fewer fit. */
	agentIds: AgentId[];
	rejected: { agentId: AgentId; reason: string }[];
}

/** Share of the agent's CPU that would be in use: work spreads to the emptier agent. */
const load = (node: AgentNode): number =>
	node.cpuMillis === 0 ? 1 : (node.cpuMillis - node.freeCpuMillis + node.claims) / node.cpuMillis;

/** GPU agents are kept for steps that ask for a GPU; then data at hand, then the emptier; ties by id. */
const compare =
	(request: PlacementRequest) =>
	(a: Candidate, b: Candidate): number => {
		const wasted = (candidate: Candidate): number => (request.resources.gpu ? 0 : candidate.node.devices.length);
		return (
			wasted(a) - wasted(b) ||
			b.localBytes - a.localBytes ||
			load(a.node) - load(b.node) ||
			(a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
		);
	};

export const place = (request: PlacementRequest, candidates: Iterable<Candidate>): Placement => {
	const rejected: Placement["rejected"] = [];
	const better = compare(request);
	const best: Candidate[] = [];
	for (const candidate of candidates) {
		const reason = rejectReason(candidate.node, request);
		if (reason) rejected.push({ agentId: candidate.id, reason });
		else keepBest(best, candidate, request.agents, better);
	}
	return { agentIds: best.length < request.agents ? [] : best.map(({ id }) => id), rejected };
};

/** In order, and no more than are wanted. */
const keepBest = (
	best: Candidate[],
	candidate: Candidate,
	wanted: number,
	compareTwo: (a: Candidate, b: Candidate) => number,
): void => {
	const at = best.findIndex((other) => compareTwo(candidate, other) < 0);
	if (at !== -1) best.splice(at, 0, candidate);
	else if (best.length < wanted) best.push(candidate);
	if (best.length > wanted) best.pop();
};
