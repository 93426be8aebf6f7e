/** Cordon, drain and forget: what a person decides of an agent. */

import { openOrClose } from "./agents.ts";
import { moveReplicas, replaceGone } from "./drain.ts";
import type { Input } from "./inputs.ts";
import type { Agent } from "./state.ts";
import { emit, type Turn } from "./turn.ts";

type Asked<Kind extends Input["kind"]> = Extract<Input, { kind: Kind }>;

/** The same once more says nothing new. */
export const setAgentMode = (turn: Turn, asked: Asked<"setAgentMode">): void => {
	const { agentId, mode, reason, by, leave } = asked;
	const agent = turn.state.agents.get(agentId);
	if (!agent || isSo(agent, asked)) return;
	emit(turn, { kind: "agentModeChanged", agentId, mode, reason, by, leave });
	openOrClose(agent);
	moveReplicas(turn);
};

/** Without a reason, the one that was given stands. */
const isSo = ({ cordon }: Agent, { mode, reason, leave }: Asked<"setAgentMode">): boolean => {
	if (!cordon) return mode === "open";
	return cordon.mode === mode && cordon.leave === leave && (reason === "" || cordon.reason === reason);
};

/** Only one that is lost, and holds nothing that could still be heard of by its lease. */
export const mayForget = ({ online, attempts }: Agent): boolean => !online && attempts.size === 0;

export const forgetAgent = (turn: Turn, { agentId, by }: Asked<"forgetAgent">): void => {
	const agent = turn.state.agents.get(agentId);
	if (!agent || !mayForget(agent)) return;
	// A new leader has not heard yet of those that live.
	if (turn.nowMs - agent.leaseFromMs <= turn.options.leaseMs) return;
	emit(turn, { kind: "agentForgotten", agentId, by });
	replaceGone(turn, agentId);
	turn.effects.push({ kind: "forgetAgent", agentId });
};
