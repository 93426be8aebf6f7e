/** A gang starts, succeeds and ends as one: what one member's end means for the others. */

import { failureOf } from "#shared/failure.ts";
import { identity } from "./graph.ts";
import { isGang, placeOf } from "./members.ts";
import type { AttemptEnding } from "./settle.ts";
import type { Agent, Attempt, Member } from "./state.ts";
import { emit, type Turn } from "./turn.ts";
import { together } from "./usage.ts";

/**
 * What a member's end means for the attempt: null while others have still to succeed. The results are those of the
 * first member, whoever is last.
 */
export const endingOfMember = (
	turn: Turn,
	attempt: Attempt,
	member: Member,
	ending: AttemptEnding,
): AttemptEnding | null => {
	if (!isGang(attempt)) return ending;
	const isLast = attempt.members.every((other) => other === member || other.ended);
	const usage = together(attempt.used, ending.usage);
	if (ending.state !== "succeeded") return { ...toldByMember(attempt, member, ending), usage };
	if (isLast) return { ...withFirst(attempt, member, ending), usage };
	const rank = attempt.members.indexOf(member);
	const { outputs, metrics, startedAtMs, finishedAtMs } = ending;
	const results = rank === 0 ? { outputs, metrics } : { outputs: [], metrics: [] };
	emit(turn, {
		kind: "attemptMemberEnded",
		...identity(attempt.step),
		attemptId: attempt.id,
		rank,
		...results,
		...{ startedAtMs, finishedAtMs, usage: ending.usage },
	});
	return null;
};

const toldByMember = (attempt: Attempt, member: Member, ending: AttemptEnding): AttemptEnding => {
	const where = placeOf(attempt, member);
	const { failure, reason } = ending;
	return {
		...ending,
		failure: failure && { ...failure, message: `${where}: ${failure.message}` },
		reason: reason && `${where}: ${reason}`,
	};
};

const withFirst = (attempt: Attempt, member: Member, ending: AttemptEnding): AttemptEnding => {
	if (attempt.members[0] === member) return ending;
	const { result } = attempt;
	if (!result) return { ...ending, state: "failed", failure: failureOf("error", "the first member left no result") };
	return { ...ending, ...result };
};

/**
 * What the others still hold on their agents the next attempt would miss there: it does not go to one of these until that
 * one is heard without its member.
 */
export const waitForOthers = ({ state, nowMs, options }: Turn, attempt: Attempt, but: Member | null): void => {
	const { step, members } = attempt;
	if (!isGang(attempt)) return;
	for (const member of members) {
		const agent = state.agents.get(member.agentId);
		if (member.ended || member === but || !agent?.online) continue;
		agent.stopping.set(member.id, step);
		step.declinedUntilMs ??= new Map();
		step.declinedUntilMs.set(agent.id, nowMs + step.definition.graceMs + options.leaseMs);
	}
};

/** Of the agent's heartbeat: which attempts run there. */
export const haveStopped = (agent: Agent, running: ReadonlySet<string>): void => {
	for (const [id, step] of agent.stopping) {
		if (running.has(id)) continue;
		agent.stopping.delete(id);
		step.declinedUntilMs?.delete(agent.id);
	}
};

/** Those whose part is not done are told to stop; who can't be told now learns it by its next heartbeat. */
export const stopMembers = ({ effects, state }: Turn, attempt: Attempt, reason: string, but: Member | null): void => {
	for (const member of attempt.members) {
		if (member.ended || member === but) continue;
		const stop = [{ attemptId: member.id, reason }];
		effects.push({ kind: "sendControl", agentId: member.agentId, control: { leaderEpoch: state.epoch, stop } });
	}
};
