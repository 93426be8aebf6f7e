/** Agents as the API shows them. */

import type { AgentView } from "#shared/api.ts";
import type { Resources } from "#shared/domain.ts";
import { isDrained, isDraining } from "../core/drain.ts";
import type { Agent, MeshState } from "../core/state.ts";
import type { AgentNode } from "../placement/node.ts";

export const agentViews = (state: MeshState): AgentView[] =>
	[...state.agents.values()].map((agent) => agentView(state, agent)).sort((a, b) => a.id.localeCompare(b.id));

const agentView = (mesh: MeshState, agent: Agent): AgentView => {
	const { advert, node, cordon } = agent;
	return {
		id: agent.id,
		name: advert?.name || agent.id,
		state: stateOf(mesh, agent),
		closed: node.closed,
		cordon: cordon && { reason: cordon.reason, by: cordon.by, sinceMs: cordon.sinceMs },
		version: advert?.version ?? "",
		labels: advert?.labels ?? {},
		fingerprint: advert?.fingerprint ?? null,
		capacity: advert?.capacity ?? null,
		usable: node.usable,
		free: advert && freeOn(node),
		devices: node.devices.map(({ id, model, memoryBytes, freeBytes, claims, reason }) => {
			return { id, model, memoryBytes, freeBytes, attempts: claims, reason };
		}),
		attempts: [...agent.attempts].map((attempt) => attempt.id),
		replicas: advert?.replicas ?? [],
		endpoints: advert?.endpoints ?? null,
		lastHeartbeatAtMs: agent.sessionId ? Math.floor(agent.lastHeardMs) : null,
	};
};

const stateOf = (mesh: MeshState, agent: Agent): AgentView["state"] => {
	if (!agent.online) return "lost";
	if (isDraining(agent)) return isDrained(mesh, agent) ? "drained" : "draining";
	if (agent.cordon) return "cordoned";
	// It ends, and says so of itself.
	if (agent.draining || agent.advert?.cordoned) return "draining";
	return agent.node.closed === "" ? "online" : "closed";
};

const freeOn = ({ freeCpuMillis, freeMemoryBytes, freeDiskBytes, devices, named, claimed }: AgentNode): Resources => ({
	cpuMillis: freeCpuMillis,
	memoryBytes: freeMemoryBytes,
	gpu: devices.length === 0 ? null : { count: devices.filter(isFree).length, memoryBytes: 0, model: "" },
	diskBytes: freeDiskBytes,
	named: Object.fromEntries(
		Object.entries(named).map(([name, amount]) => [name, Math.max(0, amount - (claimed.named.get(name) ?? 0))]),
	),
});

const isFree = ({ claims, reason }: AgentNode["devices"][number]): boolean => claims === 0 && reason === "";
