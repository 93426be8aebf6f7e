/** Artifacts for people. */

import type { ArtifactView } from "#shared/api.ts";
import type { Download } from "../lib/download.ts";
import { formatBytes, shortDigest } from "./format.ts";
import type { View } from "./print.ts";
import type { Cell } from "./table.ts";

const columns = [
	{ header: "ARTIFACT" },
	{ header: "SIZE", align: "right" as const },
	{ header: "FILES", align: "right" as const },
	{ header: "DIGEST" },
	{ header: "ON", flexible: true },
];

export const artifactsView = (artifacts: ArtifactView[], view: View): string[] => {
	if (artifacts.length === 0) return ["no artifacts yet"];
	const rows = artifacts.map((artifact): Cell[] => [
		`${artifact.step}.${artifact.name}`,
		formatBytes(artifact.sizeBytes),
		String(artifact.fileCount),
		shortDigest(artifact.digest),
		artifact.holders.join(" "),
	]);
	return view.table(columns, rows);
};

export const downloadView = ({ artifact, path }: Download): string[] => [
	`${artifact.step}.${artifact.name} → ${path} (${formatBytes(artifact.sizeBytes)})`,
];
