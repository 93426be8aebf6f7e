/** The events of models, deployments and replicas, as rows. */

import type { DatabaseSync } from "node:sqlite";
import type { DeploymentChanged, ModelVersionRegistered, ReplicaReported } from "../core/events.ts";

export interface ServingProjection {
	modelVersionRegistered(event: ModelVersionRegistered): void;
	deploymentChanged(event: DeploymentChanged): void;
	replicaReported(event: ReplicaReported): void;
}

export const projectServing = (database: DatabaseSync): ServingProjection => {
	const insertVersion = database.prepare(
		`INSERT OR REPLACE INTO model_versions (model, version, digest, size_bytes, run, step, metrics, registered_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
	);
	const setDeployment = database.prepare(
		"INSERT OR REPLACE INTO deployments (name, model, version, revision, run, agents) VALUES (?, ?, ?, ?, ?, ?)",
	);
	const dropReplicas = database.prepare(
		"DELETE FROM replicas WHERE deployment = ? AND agent NOT IN (SELECT value FROM json_each(?))",
	);
	// A report that was overtaken by a newer one says nothing.
	const setReplica = database.prepare(
		`INSERT INTO replicas (deployment, agent, version, revision, state, detail, endpoint) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (deployment, agent) DO UPDATE SET version = excluded.version, revision = excluded.revision,
				state = excluded.state, detail = excluded.detail, endpoint = excluded.endpoint
			WHERE excluded.revision >= revision`,
	);
	const markServed = database.prepare(
		`UPDATE model_versions SET served = 1
			WHERE version = ? AND model = (SELECT model FROM deployments WHERE name = ?)`,
	);
	return {
		modelVersionRegistered: ({ model, version, artifact, runId, stepKey, metrics, atMs }) => {
			const { digest = "", sizeBytes = 0 } = artifact ?? {};
			insertVersion.run(model, version, digest, sizeBytes, runId, stepKey, JSON.stringify(metrics), atMs);
		},
		deploymentChanged: ({ deployment, model, version, revision, runId, agentIds }) => {
			const agents = JSON.stringify(agentIds);
			setDeployment.run(deployment, model, version, revision, runId, agents);
			dropReplicas.run(deployment, agents);
		},
		replicaReported: ({ deployment, agentId, version, revision, state, detail, endpoint }) => {
			setReplica.run(deployment, agentId, version, revision, state, detail, endpoint);
			if (state === "serving") markServed.run(version, deployment);
		},
	};
};
