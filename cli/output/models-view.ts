/** Models, their versions and deployments for people. */

import type { DeploymentView, ModelView } from "#shared/api.ts";
import { formatAge, formatBytes, formatMetrics, shortDigest } from "./format.ts";
import type { View } from "./print.ts";
import type { Cell } from "./table.ts";
import { escapeControls } from "./text.ts";

const listColumns = [
	{ header: "MODEL" },
	{ header: "VERSIONS", align: "right" as const },
	{ header: "NEWEST", align: "right" as const },
	{ header: "STATE" },
	{ header: "REGISTERED" },
	{ header: "METRICS", flexible: true },
];

const newest = ({ versions }: ModelView) =>
	versions.reduce<ModelView["versions"][number] | undefined>(
		(best, version) => (best && best.version > version.version ? best : version),
		undefined,
	);

export const modelsView = (models: ModelView[], view: View): string[] => {
	if (models.length === 0) return ["no models yet; a pipeline's deploy step registers one"];
	const rows = models.map((model): Cell[] => {
		const last = newest(model);
		if (!last) return [model.name, "0"];
		return [
			model.name,
			String(model.versions.length),
			String(last.version),
			{ text: last.state, paint: view.style.state(last.state) },
			formatAge(last.registeredAtMs, view.nowMs),
			formatMetrics(last.metrics),
		];
	});
	return view.table(listColumns, rows);
};

const versionColumns = [
	{ header: "VERSION", align: "right" as const },
	{ header: "STATE" },
	{ header: "SIZE", align: "right" as const },
	{ header: "DIGEST" },
	{ header: "FROM", flexible: true },
	{ header: "REGISTERED" },
	{ header: "METRICS", flexible: true },
];

export const modelView = (model: ModelView, view: View): string[] => {
	const rows = model.versions.map((version): Cell[] => [
		String(version.version),
		{ text: version.state, paint: view.style.state(version.state) },
		formatBytes(version.sizeBytes),
		shortDigest(version.digest),
		`${version.run} ${version.step}`,
		formatAge(version.registeredAtMs, view.nowMs),
		formatMetrics(version.metrics),
	]);
	return [view.style.bold(model.name), ...view.table(versionColumns, rows)];
};

const deploymentColumns = [
	{ header: "DEPLOYMENT" },
	{ header: "MODEL" },
	{ header: "AGENT", flexible: true },
	{ header: "STATE" },
	{ header: "ENDPOINT" },
	{ header: "DETAILS", flexible: true },
];

export const deploymentsView = (deployments: DeploymentView[], view: View): string[] => {
	if (deployments.length === 0) return ["nothing is deployed; a pipeline's deploy step does that"];
	const rows = deployments.flatMap((deployment): Cell[][] => {
		const model = `${deployment.model}:${deployment.version}`;
		if (deployment.replicas.length === 0) return [[deployment.name, model, "", "no replicas"]];
		return deployment.replicas.map((replica) => [
			deployment.name,
			// While one version takes over from another, a replica may still be of the older.
			`${deployment.model}:${replica.version}`,
			replica.agent,
			{ text: replica.state, paint: view.style.state(replica.state) },
			replica.endpoint,
			escapeControls(replica.detail.replaceAll("\n", " ")),
		]);
	});
	return view.table(deploymentColumns, rows);
};
