/**
 * `uses: deploy`: registers a model version, tells agents to serve it, and ends when all of them do. A version that
 * an agent refuses is taken back: the deployment returns to what it served before.
 */

import type { DesiredReplica, DesiredServing, ReplicaStatus } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import type { StepAction } from "#shared/pipeline/definition.ts";
import { identity } from "./graph.ts";
import { failStep, settleStep } from "./settle.ts";
import type { Agent, Deployment, MeshState, ModelVersion, Step } from "./state.ts";
import { outputOf } from "./task.ts";
import { emit, type Turn } from "./turn.ts";

type DeployAction = Extract<StepAction, { kind: "deploy" }>;

/** Stays ready, for a later turn, while too few agents serve. */
export const runDeploy = (turn: Turn, step: Step, action: DeployAction): void => {
	const agentIds = chooseAgents(turn.state, action);
	if (!agentIds) return;
	const version = registerVersion(turn, step, action);
	const before = waitingStep(turn.state, action.name);
	changeDeployment(turn, action.name, {
		model: action.name,
		version,
		agentIds,
		...identity(step),
	});
	if (before) {
		const message = `${action.name} was deployed anew by run ${step.run.id} before this version served`;
		failStep(turn, before, "serving", message);
	}
};

/** The deploy step that a deployment keeps waiting. */
export const waitingStep = (state: MeshState, name: string): Step | null => {
	const deployment = state.deployments.get(name);
	const step = deployment && state.runs.get(deployment.runId)?.steps.get(deployment.stepKey);
	return step?.status === "running" ? step : null;
};

/** Any agent that takes work: its inference endpoint opens with the first model. */
const canServe = (agent: Agent): boolean => agent.online && agent.node.closed === "";

const chooseAgents = (state: MeshState, { name, replicas }: DeployAction): AgentId[] | null => {
	const candidates = mostIdle(state, name);
	return candidates.length >= replicas ? candidates.slice(0, replicas) : null;
};

/** Agents that may serve it: those that do already first, then the ones that serve least; ties by id. */
export const mostIdle = (state: MeshState, name: string): AgentId[] => {
	const serves = new Map<AgentId, number>();
	for (const deployment of state.deployments.values()) {
		for (const id of deployment.agentIds) serves.set(id, (serves.get(id) ?? 0) + 1);
	}
	const present = new Set(state.deployments.get(name)?.agentIds);
	return [...state.agents.values()]
		.filter(canServe)
		.map((agent) => agent.id)
		.sort(
			(a, b) =>
				Number(present.has(b)) - Number(present.has(a)) ||
				(serves.get(a) ?? 0) - (serves.get(b) ?? 0) ||
				(a < b ? -1 : 1),
		);
};

/** The same bytes with the same golden vectors are the same version. */
const registerVersion = (turn: Turn, step: Step, action: DeployAction): number => {
	const artifact = outputOf(step.run, action.model);
	const golden = action.golden ? outputOf(step.run, action.golden) : null;
	const versions = turn.state.models.get(action.name) ?? [];
	const same = (known: ModelVersion): boolean =>
		known.artifact?.digest === artifact?.digest && known.golden?.digest === golden?.digest;
	const existing = versions.findLast(same);
	if (existing) return existing.version;
	const version = (versions.at(-1)?.version ?? 0) + 1;
	const [source] = step.run.cells.get(action.model.step) ?? [];
	emit(turn, {
		kind: "modelVersionRegistered",
		model: action.name,
		version,
		artifact,
		golden,
		...identity(step),
		metrics: source?.metrics ?? [],
	});
	return version;
};

type Change = Pick<Deployment, "model" | "version" | "agentIds" | "runId" | "stepKey">;

export const changeDeployment = (turn: Turn, name: string, change: Change): void => {
	const before = turn.state.deployments.get(name);
	emit(turn, {
		kind: "deploymentChanged",
		deployment: name,
		model: change.model,
		version: change.version,
		agentIds: change.agentIds,
		runId: change.runId,
		stepKey: change.stepKey,
		revision: (before?.revision ?? 0) + 1,
	});
	for (const id of new Set([...(before?.agentIds ?? []), ...change.agentIds])) putServing(turn, id);
};

/** Tells its agents again. */
export const putDeployment = (turn: Turn, deployment: Deployment): void => {
	deployment.putAtMs = turn.nowMs;
	for (const id of deployment.agentIds) putServing(turn, id);
};

export const putServing = (turn: Turn, agentId: AgentId): void => {
	turn.effects.push({ kind: "putServing", agentId, desired: desiredServing(turn.state, agentId) });
};

const desiredServing = (state: MeshState, agentId: AgentId): DesiredServing => ({
	replicas: [...state.deployments.values()]
		.filter((deployment) => deployment.agentIds.includes(agentId))
		.flatMap((deployment): DesiredReplica[] => {
			const { name, model, version, revision } = deployment;
			const known = state.models.get(model)?.find((candidate) => candidate.version === version);
			if (!known) return [];
			return [{ deployment: name, model, version, revision, artifact: known.artifact, golden: known.golden }];
		}),
});

/** An answer to an older revision says nothing about the present one. */
export const replicaAdvertised = (turn: Turn, agentId: AgentId, status: ReplicaStatus): void => {
	const deployment = turn.state.deployments.get(status.deployment);
	const replica = deployment?.replicas.get(agentId);
	if (!deployment || !replica || deployment.revision !== status.revision) return;
	if (replica.state === status.state && replica.endpoint === status.endpoint && replica.detail === status.detail)
		return;
	emit(turn, { kind: "replicaReported", agentId, ...status });
	const step = waitingStep(turn.state, deployment.name);
	if (step) judge(turn, deployment, step);
};

/** The first replica that failed ends it; else it ends when all of them serve. */
const judge = (turn: Turn, deployment: Deployment, step: Step): void => {
	const { name, version } = deployment;
	const replicas = [...deployment.replicas];
	const failed = replicas.find(([, { state }]) => state === "failed");
	if (failed)
		return takeBack(turn, deployment, step, `${failed[0]} can't serve ${name} v${version}: ${failed[1].detail}`);
	if (replicas.some(([, { state }]) => state !== "serving")) return;
	const where = replicas.map(([, { endpoint }]) => endpoint).join(", ");
	settleStep(turn, step, "succeeded", `${name} v${version} serves at ${where}`);
};

/** A predecessor may have journaled what ends a deploy step, and not the end. */
export const concludeDeploy = (turn: Turn, step: Step): void => {
	const { action } = step.definition;
	if (action.kind !== "deploy" || step.status !== "running") return;
	const deployment = turn.state.deployments.get(action.name);
	if (deployment && deployment.agentIds.length > 0 && waitingStep(turn.state, action.name) === step) {
		return judge(turn, deployment, step);
	}
	const message = `another version of ${action.name} took its place before it served`;
	failStep(turn, step, "serving", message);
};

/** Ends a deploy step that failed and returns to the version served before it, or to none. */
export const takeBack = (turn: Turn, deployment: Deployment, step: Step, message: string): void => {
	undoDeployment(turn, deployment.name);
	failStep(turn, step, "serving", message);
};

/** Back to what was served in full before the present change. */
export const undoDeployment = (turn: Turn, name: string): void => {
	const deployment = turn.state.deployments.get(name);
	if (deployment) changeDeployment(turn, name, deployment.previous ?? { ...identityOf(deployment), agentIds: [] });
};

const identityOf = ({ model, version, runId, stepKey }: Deployment): Omit<Change, "agentIds"> => ({
	model,
	version,
	runId,
	stepKey,
});
