/** Models, deployments and artifacts as the API shows them. */

import type { DatabaseSync } from "node:sqlite";
import type { ArtifactView, DeploymentView, ModelVersionView, ModelView } from "#shared/api.ts";
import type { ReplicaState } from "#shared/domain.ts";
import { query } from "./database.ts";
import { type ArtifactRow, artifactOf } from "./run-queries.ts";

export interface ServingQueries {
	artifacts(run: string): ArtifactView[];
	/** Every agent that a manifest's artifacts were left on; empty when no artifact has that digest. */
	holdersOf(digest: string): string[];
	models(): ModelView[];
	deployments(): DeploymentView[];
}

interface VersionRow {
	model: string;
	version: number;
	digest: string;
	size_bytes: number;
	run: string;
	step: string;
	metrics: string;
	registered_at: number;
	served: number;
}

interface DeploymentRow {
	name: string;
	model: string;
	version: number;
	revision: number;
	run: string;
	agents: string;
}

interface ReplicaRow {
	deployment: string;
	agent: string;
	version: number;
	state: ReplicaState;
	detail: string;
	endpoint: string;
}

export const openServingQueries = (database: DatabaseSync): ServingQueries => {
	const artifacts = query<ArtifactRow & { run: string }>(
		database,
		`SELECT artifacts.* FROM artifacts JOIN steps ON steps.run = artifacts.run AND steps.key = artifacts.step
			WHERE artifacts.run = ? ORDER BY steps.place, steps.n, artifacts.name`,
	);
	const holders = query<{ holder: string }>(
		database,
		"SELECT DISTINCT held.value AS holder FROM artifacts, json_each(holders) AS held WHERE digest = ? ORDER BY holder",
	);
	const versions = query<VersionRow>(database, "SELECT * FROM model_versions ORDER BY model, version DESC");
	const deployments = query<DeploymentRow>(database, "SELECT * FROM deployments ORDER BY name");
	const replicas = query<ReplicaRow>(database, "SELECT * FROM replicas ORDER BY deployment, agent");

	const deploymentViews = (): DeploymentView[] => {
		const reports = Map.groupBy(replicas.all(), ({ deployment }) => deployment);
		return deployments.all().map(({ name, model, version, revision, run, agents }) => {
			const ofAgent = new Map((reports.get(name) ?? []).map((report) => [report.agent, report]));
			const desired = JSON.parse(agents) as string[];
			const views = desired.map((agent) => replicaOf(agent, version, ofAgent.get(agent)));
			return { name, model, version, revision, run, replicas: views };
		});
	};
	return {
		artifacts: (run) => artifacts.all(run).map((row) => ({ run: row.run, step: row.step, ...artifactOf(row) })),
		holdersOf: (digest) => holders.all(digest).map(({ holder }) => holder),
		models: () => {
			const serving = deploymentViews();
			const ofModel = Map.groupBy(versions.all(), ({ model }) => model);
			return [...ofModel].map(([name, rows]) => ({
				name,
				versions: rows.map((row) => versionOf(row, serving)),
			}));
		},
		deployments: deploymentViews,
	};
};

type ReplicaView = DeploymentView["replicas"][number];

const replicaOf = (agent: string, version: number, report: ReplicaRow | undefined): ReplicaView => {
	if (report?.version === version) {
		const { state, detail, endpoint } = report;
		return { agent, version, state, detail, endpoint };
	}
	const detail = report?.state === "serving" ? `still serves version ${report.version}` : "";
	return { agent, version, state: "pending", detail, endpoint: "" };
};

const versionOf = (row: VersionRow, deployments: DeploymentView[]): ModelVersionView => ({
	version: row.version,
	state: versionState(row, deployments),
	digest: row.digest,
	sizeBytes: row.size_bytes,
	run: row.run,
	step: row.step,
	metrics: JSON.parse(row.metrics),
	registeredAtMs: row.registered_at,
});

const versionState = (
	{ model, version, served }: VersionRow,
	deployments: DeploymentView[],
): ModelVersionView["state"] => {
	const replicas = deployments
		.filter((deployment) => deployment.model === model && deployment.version === version)
		.flatMap((deployment) => deployment.replicas);
	if (replicas.some(({ state }) => state === "serving")) return "serving";
	if (replicas.some(({ state }) => state === "failed")) return "failed";
	// Served once, and no deployment wants it any more.
	return served === 1 && replicas.length === 0 ? "retired" : "registered";
};
