/** Model versions, what is to serve them, and what their replicas say. */

import type { DeploymentChanged, ModelVersionRegistered, ReplicaReported } from "../events.ts";
import { moveStep } from "../moves.ts";
import type { Deployment, MeshState } from "../state.ts";

export const applyModelVersionRegistered = (state: MeshState, event: ModelVersionRegistered): void => {
	const { model, version, artifact, golden, runId, stepKey } = event;
	const known = state.models.get(model) ?? [];
	state.models.set(model, [...known, { version, artifact, golden, runId, stepKey }]);
};

export const applyDeploymentChanged = (state: MeshState, event: DeploymentChanged): void => {
	const { deployment: name, model, version, revision, agentIds, runId, stepKey } = event;
	const before = state.deployments.get(name);
	const served = before && [...before.replicas.values()].every((replica) => replica.state === "serving");
	state.deployments.set(name, {
		name,
		model,
		version,
		revision,
		agentIds,
		wanted: wantedBy(before, event),
		replicas: new Map(agentIds.map((id) => [id, { state: "pending", detail: "", endpoint: "" }])),
		runId,
		stepKey,
		putAtMs: event.atMs,
		previous: served ? servedNow(before) : (before?.previous ?? null),
	});
	const step = state.runs.get(runId)?.steps.get(stepKey);
	if (step?.status === "ready") moveStep(state, step, "running", event.atMs);
};

/** What is served stays as it was meant when only its agents change, and when it comes back. */
const wantedBy = (before: Deployment | undefined, { version, runId, stepKey, agentIds }: DeploymentChanged): number => {
	const same = [before, before?.previous].find(
		(each) => each?.version === version && each.runId === runId && each.stepKey === stepKey,
	);
	return same?.wanted ?? agentIds.length;
};

const servedNow = ({
	model,
	version,
	agentIds,
	wanted,
	runId,
	stepKey,
}: Deployment): NonNullable<Deployment["previous"]> => ({
	model,
	version,
	agentIds,
	wanted,
	runId,
	stepKey,
});

export const applyReplicaReported = (state: MeshState, event: ReplicaReported): void => {
	const replica = state.deployments.get(event.deployment)?.replicas.get(event.agentId);
	if (!replica) return;
	replica.state = event.state;
	replica.detail = event.detail;
	replica.endpoint = event.endpoint;
};
