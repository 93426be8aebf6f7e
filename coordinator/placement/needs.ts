/** What steps need of the programs on an agent's host, and which of that the host has. */

import type { StepEnvironment } from "#shared/domain.ts";
import type { StepDefinition } from "#shared/pipeline/definition.ts";

export type Need = "image" | StepEnvironment["kind"];

/** Any one of its runtimes will do. */
const needs: Readonly<Record<Need, { runtimes: readonly string[]; lacking: string }>> = {
	image: {
		runtimes: ["docker", "podman"],
		lacking: "no container engine answers there: start docker or podman, or install one",
	},
	python: { runtimes: ["python", "uv"], lacking: "no Python: install python3, or uv with an interpreter" },
	conda: { runtimes: ["micromamba", "mamba", "conda"], lacking: "no conda: install micromamba, mamba or conda" },
	node: { runtimes: ["node"], lacking: "no Node" },
};

/** null for a step that brings its own, or takes what is there. */
export const needOf = ({ image, environment }: StepDefinition): Need | null =>
	image === "" ? (environment?.kind ?? null) : "image";

export const needsMetBy = (runtimes: Readonly<Record<string, string>>): Need[] =>
	(Object.keys(needs) as Need[]).filter((need) =>
		needs[need].runtimes.some((runtime) => Object.hasOwn(runtimes, runtime)),
	);

export const lackingWords = (need: Need): string => needs[need].lacking;
