/** An attempt's parts on its agents: one for most steps, several for a gang. */

import { type AgentId, type AttemptId, memberId } from "#shared/ids.ts";
import type { Attempt, Member } from "./state.ts";

export const newMembers = (id: AttemptId, agentIds: readonly AgentId[]): Member[] =>
	agentIds.map((agentId, rank) => ({
		...{ id: memberId(id, rank), agentId },
		...{ ended: false, started: false, sentAtMs: 0 },
	}));

/** No two members are on one agent. */
export const memberOn = (attempt: Attempt, agentId: AgentId): Member | null =>
	attempt.members.find((member) => member.agentId === agentId) ?? null;

export const memberOf = (attempt: Attempt, id: AttemptId): Member | null =>
	attempt.members.find((member) => member.id === id) ?? null;

export const isGang = ({ members }: Attempt): boolean => members.length > 1;

/** "rank 2 on lab-3". */
export const placeOf = (attempt: Attempt, member: Member): string =>
	`rank ${attempt.members.indexOf(member)} on ${member.agentId}`;

/** Whether all run, so that the step does. */
export const memberStarted = (attempt: Attempt, member: Member): boolean => {
	member.started = true;
	return attempt.members.every(({ started, ended }) => started || ended);
};
