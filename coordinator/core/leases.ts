/** Agents' signs of life: adverts, heartbeats, and what their absence means. */

import type { Advert, AttemptPhase, Heartbeat, HeartbeatReply } from "#shared/domain.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import { adoptUsable } from "../placement/node.ts";
import { agentOf, openOrClose } from "./agents.ts";
import { isGroupFull, sendTask } from "./assign.ts";
import { adopt } from "./claims.ts";
import { replicaAdvertised } from "./deploy.ts";
import { mayLeave, moveReplicas, replaceGone } from "./drain.ts";
import { haveStopped } from "./gang.ts";
import { memberOf, memberOn } from "./members.ts";
import { startMember } from "./reports.ts";
import { endAttempt, endingOf, stopOf } from "./settle.ts";
import type { Agent } from "./state.ts";
import { emit, type Turn } from "./turn.ts";

export const advertReceived = (turn: Turn, advert: Advert): void => {
	const agent = agentOf(turn.state, advert.agentId);
	adopt(agent, advert);
	openOrClose(agent);
	for (const replica of advert.replicas) replicaAdvertised(turn, agent.id, replica);
	moveReplicas(turn);
};

/** Answers only what the journal will have by the time the answer leaves. */
export const heartbeatReceived = (turn: Turn, heartbeat: Heartbeat, replyTo: string): void => {
	const { state, nowMs } = turn;
	const agent = agentOf(state, heartbeat.agentId);
	agent.lastHeardMs = nowMs;
	agent.leaseFromMs = nowMs;
	agent.online = true;
	agent.draining = heartbeat.draining;
	if (agent.sessionId !== heartbeat.sessionId) {
		agent.sessionId = heartbeat.sessionId;
		agent.missing.clear();
	}
	agent.ownReason = heartbeat.closed;
	adoptUsable(agent.node, heartbeat.usable);
	openOrClose(agent);
	const reply: HeartbeatReply = {
		leaderEpoch: state.epoch,
		stop: [],
		settled: [],
		leave: false,
		advertise: !agent.advert,
	};
	const listed = new Set<string>();
	const running = new Set<string>();
	for (const { attemptId, fence, phase } of heartbeat.attempts) {
		listed.add(attemptId);
		if (phase !== "finished") running.add(attemptId);
		const attempt = state.attempts.get(attemptId);
		const member = attempt && memberOf(attempt, attemptId);
		const stop = attempt && stopOf(attempt.step);
		if (attempt?.fence !== fence || member?.agentId !== agent.id || member.ended) {
			if (phase === "finished") reply.settled.push(attemptId);
			else reply.stop.push({ attemptId, reason: "superseded, or its run is over" });
		} else if (stop) {
			if (phase !== "finished") reply.stop.push({ attemptId, reason: stop.reason });
		} else if (attempt.status === "lost" && isGroupFull(state, attempt.step)) {
			if (phase !== "finished")
				reply.stop.push({ attemptId, reason: `others run in its group ${attempt.step.group} now` });
		} else if (attempt.status === "lost" || (isRunning(phase) && attempt.status === "leased")) {
			// One that has finished goes on too: its outcome is on its way, and must not be overtaken by a new attempt.
			startMember(turn, attempt, member);
		}
	}
	agent.preparing = inPhase(heartbeat, "preparing");
	agent.paused = inPhase(heartbeat, "paused");
	haveStopped(agent, running);
	missingAttempts(turn, agent, listed);
	reply.leave = listed.size === 0 && mayLeave(state, agent);
	turn.effects.push({ kind: "replyHeartbeat", replyTo, reply });
};

const isRunning = (phase: AttemptPhase): boolean => phase === "running" || phase === "paused";

const inPhase = ({ attempts }: Heartbeat, phase: AttemptPhase): Set<AttemptId> =>
	new Set(attempts.filter((attempt) => attempt.phase === phase).map(({ attemptId }) => attemptId));

/** A task may have been lost on the way; an attempt that ran and is unknown twice over is gone with its record. */
const missingAttempts = (turn: Turn, agent: Agent, listed: ReadonlySet<string>): void => {
	for (const attempt of [...agent.attempts]) {
		const member = memberOn(attempt, agent.id);
		if (!member) continue;
		if (listed.has(member.id)) {
			agent.missing.delete(member.id);
		} else if (attempt.status === "leased" && !member.started) {
			if (turn.nowMs - member.sentAtMs >= turn.options.resendMs) sendTask(turn, attempt, member);
		} else if (agent.missing.has(member.id)) {
			agent.missing.delete(member.id);
			endAttempt(turn, attempt, endingOf("lost", `${agent.id} no longer knows it`));
		} else {
			agent.missing.add(member.id);
		}
	}
};

/** While the leader could hear nobody, no lease ran. */
export const leaderWasAway = ({ state, nowMs }: Turn, forMs: number): void => {
	for (const agent of state.agents.values()) agent.leaseFromMs = Math.min(nowMs, agent.leaseFromMs + forMs);
};

/** Nothing of it is waited for: what was on its way to it goes elsewhere at once. */
export const agentLeft = (turn: Turn, agentId: AgentId): void => {
	const agent = turn.state.agents.get(agentId);
	if (agent) {
		agent.online = false;
		openOrClose(agent);
		for (const attempt of [...agent.attempts]) endAttempt(turn, attempt, endingOf("lost", `${agentId} left the mesh`));
		emit(turn, { kind: "agentForgotten", agentId, by: agentId });
	}
	// Also of one that is not known: a predecessor may have journaled that it left, and no more.
	replaceGone(turn, agentId);
};

/** Agents not heard within the lease have lost their attempts. */
export const expireLeases = (turn: Turn): void => {
	for (const agent of turn.state.agents.values()) {
		const silentMs = turn.nowMs - agent.leaseFromMs;
		if (silentMs <= turn.options.leaseMs || (!agent.online && agent.attempts.size === 0)) continue;
		agent.online = false;
		openOrClose(agent);
		const reason = `${agent.id} was not heard for ${Math.round(silentMs / 1000)} s`;
		for (const attempt of [...agent.attempts]) endAttempt(turn, attempt, endingOf("lost", reason));
	}
};
