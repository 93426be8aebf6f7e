/** What attempts take from their agents. Kept in step with the attempts an agent holds. */

import type { Advert, Resources } from "#shared/domain.ts";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import type { PlacementRequest } from "../placement/feasible.ts";
import { needOf } from "../placement/needs.ts";
import { adoptAdvert, type Claim, claimOn, releaseClaim } from "../placement/node.ts";
import type { Agent, Attempt, Member, Step } from "./state.ts";

const NOTHING: Resources = { cpuMillis: 0, memoryBytes: 0, gpu: null, diskBytes: 0, named: {} };

/** What a step asks of an agent: only a command takes any of it. */
export const requestedByDefinition = (definition: StepDefinition): Resources =>
	definition.action.kind === "command" ? definition.resources : NOTHING;

export const requestedResources = (step: Step): Resources => requestedByDefinition(step.definition);

export const requestByDefinition = (definition: StepDefinition): PlacementRequest => ({
	resources: requestedByDefinition(definition),
	labels: definition.labels,
	need: definition.action.kind === "command" ? needOf(definition) : null,
	agents: definition.nodes,
});

/** What placement is asked for a step. */
export const requestOf = (step: Step): PlacementRequest => requestByDefinition(step.definition);

const claims = new WeakMap<Member, Claim>();

/** The agent's member of the attempt takes what the step asks for. */
export const claimAttempt = (agent: Agent, attempt: Attempt): void => {
	claims.set(memberHere(agent, attempt), claimOn(agent.node, requestedResources(attempt.step)));
	agent.attempts.add(attempt);
};

export const releaseAttempt = (agent: Agent, attempt: Attempt): void => {
	if (!agent.attempts.delete(attempt)) return;
	const member = memberHere(agent, attempt);
	const claim = claims.get(member);
	if (!claim) return;
	claims.delete(member);
	releaseClaim(agent.node, claim);
};

const memberHere = (agent: Agent, attempt: Attempt): Member => {
	const member = attempt.members.find(({ agentId }) => agentId === agent.id);
	if (!member) throw new Error(`attempt ${attempt.id} has no part on ${agent.id}`);
	return member;
};

/**
 * A new advert. What is held stays on the devices that it was given, as it does on the agent; only what lacks some is
 * claimed afresh: they are gone, or nobody knew of them yet.
 */
export const adopt = (agent: Agent, advert: Advert): void => {
	agent.advert = advert;
	adoptAdvert(agent.node, advert);
	const moved = [...agent.attempts].filter((attempt) => lacksDevices(agent, attempt));
	for (const attempt of moved) releaseAttempt(agent, attempt);
	for (const attempt of moved) claimAttempt(agent, attempt);
};

const lacksDevices = (agent: Agent, attempt: Attempt): boolean => {
	const wanted = requestedResources(attempt.step).gpu?.count ?? 0;
	const claimed = claims.get(memberHere(agent, attempt))?.devices ?? [];
	const there = claimed.filter(({ id }) => agent.node.devices.some((device) => device.id === id));
	return there.length < wanted;
};
