/** What people decide of agents. */

import { agentOf } from "../agents.ts";
import type { AgentForgotten, AgentModeChanged } from "../events.ts";
import type { MeshState } from "../state.ts";

export const applyAgentModeChanged = (state: MeshState, event: AgentModeChanged): void => {
	const { agentId, mode, reason, by, leave, atMs } = event;
	agentOf(state, agentId).cordon = mode === "open" ? null : { mode, reason, by, sinceMs: atMs, leave };
};

/** Decided only of one that holds nothing. */
export const applyAgentForgotten = (state: MeshState, { agentId }: AgentForgotten): void => {
	state.agents.delete(agentId);
};
