/** What the API may decide of agents: cordon, drain, forget. */

import type { AgentMode } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { AgentId } from "#shared/ids.ts";
import type { Input } from "./core/inputs.ts";
import { mayForget } from "./core/modes.ts";
import type { Agent, MeshState } from "./core/state.ts";

export interface AgentCommands {
	setAgentMode(agentId: AgentId, mode: AgentMode, why: { reason: string; by: string; leave: boolean }): Promise<void>;
	/** Of one that is lost. */
	forgetAgent(agentId: AgentId, by: string): Promise<void>;
}

/** `take` answers when the journal has it. */
export const createAgentCommands = (state: MeshState, take: (input: Input) => Promise<void>): AgentCommands => {
	const known = (agentId: AgentId): Agent => {
		const agent = state.agents.get(agentId);
		if (agent) return agent;
		throw new RunmeshError("RM_NOT_FOUND", `no agent "${agentId}"`, { hint: "see `runmesh agents ls`" });
	};
	return {
		setAgentMode: async (agentId, mode, why) => {
			known(agentId);
			await take({ kind: "setAgentMode", agentId, mode, ...why });
			// It may have left just then.
			known(agentId);
		},
		forgetAgent: async (agentId, by) => {
			const agent = known(agentId);
			if (!mayForget(agent)) throw stillThere(agent);
			await take({ kind: "forgetAgent", agentId, by });
			// It may have been heard of just then.
			if (state.agents.get(agentId) === agent) throw stillThere(agent);
		},
	};
};

const stillThere = ({ id, online, attempts }: Agent): RunmeshError => {
	if (online) {
		return new RunmeshError("RM_CONFLICT", `${id} is online: only an agent that is lost can be forgotten`, {
			hint: `\`runmesh agents drain ${id} --leave\` ends it once its work is done`,
		});
	}
	if (attempts.size === 0) {
		return new RunmeshError("RM_CONFLICT", `${id} may be alive: this coordinator has not led for long`, {
			hint: "try again when its lease is over, in half a minute",
		});
	}
	return new RunmeshError("RM_CONFLICT", `${id} still holds ${[...attempts].map((attempt) => attempt.id).join(", ")}`, {
		hint: "its attempts are lost when its lease is over; try again then",
	});
};
