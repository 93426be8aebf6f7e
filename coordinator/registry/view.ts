/** Agents as the API shows them. */

import type { AgentView } from "#shared/api.ts";
import type { Agent, MeshState } from "../core/state.ts";

export const agentViews = (state: MeshState): AgentView[] =>
	[...state.agents.values()].map(agentView).sort((a, b) => a.id.localeCompare(b.id));

const agentView = (agent: Agent): AgentView => {
	const { advert, node } = agent;
	return {
		id: agent.id,
		name: advert?.name || agent.id,
		state: !agent.online ? "lost" : advert?.cordoned || agent.draining ? "cordoned" : "online",
		version: advert?.version ?? "",
		labels: advert?.labels ?? {},
		fingerprint: advert?.fingerprint ?? null,
		capacity: advert?.capacity ?? null,
		free: advert
			? {
					cpuMillis: node.freeCpuMillis,
					memoryBytes: node.freeMemoryBytes,
					gpu: node.devices.length
						? { count: node.devices.filter((device) => device.claims === 0).length, memoryBytes: 0, model: "" }
						: null,
				}
			: null,
		attempts: [...agent.attempts].map((attempt) => attempt.id),
		replicas: advert?.replicas ?? [],
		endpoints: advert?.endpoints ?? null,
		lastHeartbeatAtMs: agent.sessionId ? Math.floor(agent.lastHeardMs) : null,
	};
};
