/** What attempts take from their agents. Kept in step with the attempts an agent holds. */

import type { Advert, Resources } from "#shared/domain.ts";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { adoptAdvert, type Claim, claimOn, releaseClaim } from "../placement/node.ts";
import type { Agent, Attempt, Step } from "./state.ts";

const NOTHING: Resources = { cpuMillis: 0, memoryBytes: 0, gpu: null };

/** What a step asks of an agent: only a command takes any of it. */
export const requestedByDefinition = (definition: StepDefinition): Resources =>
	definition.action.kind === "command" ? definition.resources : NOTHING;

export const requestedResources = (step: Step): Resources => requestedByDefinition(step.definition);

const claims = new WeakMap<Attempt, Claim>();

export const claimAttempt = (agent: Agent, attempt: Attempt): void => {
	claims.set(attempt, claimOn(agent.node, requestedResources(attempt.step)));
	agent.attempts.add(attempt);
};

export const releaseAttempt = (agent: Agent, attempt: Attempt): void => {
	const claim = claims.get(attempt);
	if (!agent.attempts.delete(attempt) || !claim) return;
	claims.delete(attempt);
	releaseClaim(agent.node, claim);
};

/** A new advert: devices may differ, so what is held there is claimed afresh. */
export const adopt = (agent: Agent, advert: Advert): void => {
	const held = [...agent.attempts];
	for (const attempt of held) releaseAttempt(agent, attempt);
	agent.advert = advert;
	adoptAdvert(agent.node, advert);
	for (const attempt of held) claimAttempt(agent, attempt);
};
