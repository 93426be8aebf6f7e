/** Agents' signs of life: adverts, heartbeats, and what their absence means. */

import type { Advert, Heartbeat, HeartbeatReply } from "#shared/domain.ts";
import { agentOf } from "./apply.ts";
import { isGroupFull, sendTask } from "./assign.ts";
import { adopt } from "./claims.ts";
import { replicaAdvertised } from "./deploy.ts";
import { startAttempt } from "./reports.ts";
import { endAttempt, endingOf, stopOf } from "./settle.ts";
import type { Agent } from "./state.ts";
import type { Turn } from "./turn.ts";

export const advertReceived = (turn: Turn, advert: Advert): void => {
	const agent = agentOf(turn.state, advert.agentId);
	adopt(agent, advert);
	openOrClose(agent);
	for (const replica of advert.replicas) replicaAdvertised(turn, agent.id, replica);
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
	openOrClose(agent);
	const reply: HeartbeatReply = { leaderEpoch: state.epoch, stop: [], settled: [] };
	const listed = new Set<string>();
	for (const { attemptId, fence, phase } of heartbeat.attempts) {
		listed.add(attemptId);
		const attempt = state.attempts.get(attemptId);
		const stop = attempt && stopOf(attempt.step);
		if (attempt?.fence !== fence || attempt.agentId !== agent.id) {
			if (phase === "finished") reply.settled.push(attemptId);
			else reply.stop.push({ attemptId, reason: "superseded, or its run is over" });
		} else if (stop) {
			if (phase !== "finished") reply.stop.push({ attemptId, reason: stop.reason });
		} else if (attempt.status === "lost" && isGroupFull(state, attempt.step)) {
			if (phase !== "finished")
				reply.stop.push({ attemptId, reason: `others run in its group ${attempt.step.group} now` });
		} else if (attempt.status === "lost" || (phase === "running" && attempt.status === "leased")) {
			// One that has finished goes on too: its outcome is on its way, and must not be overtaken by a new attempt.
			startAttempt(turn, attempt);
		}
	}
	missingAttempts(turn, agent, listed);
	turn.effects.push({ kind: "replyHeartbeat", replyTo, reply });
};

/** A task may have been lost on the way; an attempt that ran and is unknown twice over is gone with its record. */
const missingAttempts = (turn: Turn, agent: Agent, listed: ReadonlySet<string>): void => {
	for (const attempt of [...agent.attempts]) {
		if (listed.has(attempt.id)) {
			agent.missing.delete(attempt.id);
		} else if (attempt.status === "leased") {
			if (turn.nowMs - attempt.sentAtMs >= turn.options.resendMs) sendTask(turn, attempt);
		} else if (agent.missing.has(attempt.id)) {
			agent.missing.delete(attempt.id);
			endAttempt(turn, attempt, endingOf("lost", `${agent.id} no longer knows it`));
		} else {
			agent.missing.add(attempt.id);
		}
	}
};

/** While the leader could hear nobody, no lease ran. */
export const leaderWasAway = ({ state, nowMs }: Turn, forMs: number): void => {
	for (const agent of state.agents.values()) agent.leaseFromMs = Math.min(nowMs, agent.leaseFromMs + forMs);
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

const openOrClose = (agent: Agent): void => {
	agent.node.closed = !agent.online
		? "not heard from"
		: !agent.advert
			? "not advertised yet"
			: agent.advert.cordoned
				? "cordoned"
				: agent.draining
					? "draining"
					: "";
};
