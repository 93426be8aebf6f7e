/** What an agent still has when it goes, and its replicas, which go elsewhere: before it does, where it is drained. */

import type { ArtifactRef } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { changeDeployment, mostIdle, waitingStep } from "./deploy.ts";
import { type Agent, type Deployment, liveAttempt, type MeshState, type Step } from "./state.ts";
import { isSettled } from "./transitions.ts";
import type { Turn } from "./turn.ts";

export const isDraining = ({ cordon }: Agent): boolean => cordon?.mode === "draining";

/** Names of deployments that are to be served there. */
export const servedBy = ({ deployments }: MeshState, { id }: Agent): string[] =>
	[...deployments.values()].filter(({ agentIds }) => agentIds.includes(id)).map(({ name }) => name);

/** Nothing of it is left that the mesh knows of. */
export const isDrained = (state: MeshState, agent: Agent): boolean =>
	isDraining(agent) && agent.attempts.size === 0 && servedBy(state, agent).length === 0;

/**
 * Drained and asked to leave, or by its own wish without anything to do; and no run that goes on is behind a step whose
 * outputs it alone holds.
 */
export const mayLeave = (state: MeshState, agent: Agent): boolean => {
	const isAsked = agent.cordon?.leave === true && isDrained(state, agent);
	const wishes = agent.draining && agent.attempts.size === 0;
	return (isAsked || wishes) && !isNeeded(state, agent);
};

const isNeeded = ({ runs }: MeshState, { id }: Agent): boolean => {
	for (const { steps, dependents } of runs.values()) {
		for (const step of steps.values()) {
			if (!leftBy(step).some(({ holders }) => holders.every((holder) => holder === id))) continue;
			if (dependents.get(step.definition.name)?.some((behind) => !isSettled(behind.status))) return true;
		}
	}
	return false;
};

/** Of a gang that goes on too, what its first member has left. */
const leftBy = (step: Step): readonly ArtifactRef[] =>
	step.status === "succeeded" ? step.outputs : (liveAttempt(step)?.result?.outputs ?? []);

/** Others are placed first; once they all serve, those on draining agents are taken away. */
export const moveReplicas = (turn: Turn): void => {
	for (const deployment of [...turn.state.deployments.values()]) moveReplicasOf(turn, deployment);
};

/** A deployment that has not come to serve yet stays as it is until it has, or is taken back. */
const moveReplicasOf = (turn: Turn, deployment: Deployment): void => {
	const { state } = turn;
	const { name, agentIds, replicas, wanted } = deployment;
	const staying = agentIds.filter((id) => !isLeaving(state, id));
	const lacks = agentIds.length > 0 && staying.length < wanted;
	if ((staying.length === agentIds.length && !lacks) || waitingStep(state, name)) return;
	if (!lacks) {
		const allServe = staying.every((id) => replicas.get(id)?.state === "serving");
		if (allServe) changeDeployment(turn, name, { ...deployment, agentIds: staying });
		return;
	}
	const others = newcomers(state, deployment, wanted - staying.length);
	if (others.length > 0) changeDeployment(turn, name, { ...deployment, agentIds: [...agentIds, ...others] });
};

/** Of an agent that is gone for good. With nobody to take its place it stays the one that is to serve, should it come back. */
export const replaceGone = (turn: Turn, agentId: AgentId): void => {
	for (const deployment of [...turn.state.deployments.values()]) {
		const { name, agentIds, wanted } = deployment;
		if (!agentIds.includes(agentId)) continue;
		const rest = agentIds.filter((id) => id !== agentId);
		const next = [...rest, ...newcomers(turn.state, deployment, wanted - rest.length)];
		if (next.length > 0) changeDeployment(turn, name, { ...deployment, agentIds: next });
	}
};

const newcomers = (state: MeshState, { name, agentIds }: Deployment, count: number): AgentId[] =>
	mostIdle(state, name)
		.filter((id) => !agentIds.includes(id))
		.slice(0, Math.max(0, count));

const isLeaving = ({ agents }: MeshState, id: AgentId): boolean => {
	const agent = agents.get(id);
	return agent !== undefined && isDraining(agent);
};
