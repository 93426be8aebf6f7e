/** A definition as the journal keeps it. One that an older release wrote gets what it could not say. */

import type { PipelineDefinition, StepDefinition } from "./definition.ts";

/** What version 1 did not have, with the meaning it had. */
const stepSince2 = {
	condition: null,
	values: [],
	graceMs: 10_000,
	lostWaitMs: 0,
	cache: null,
	concurrency: null,
	params: null,
	phase: "main",
} satisfies Partial<StepDefinition>;

const pipelineSince2 = { timeoutMs: 0, concurrency: null };

const stepSince3 = {
	limits: { cpu: false, memory: false },
	image: "",
	environment: null,
	nodes: 1,
} satisfies Partial<StepDefinition>;

const resourcesSince3 = { diskBytes: 0, named: {} };

const retriesSince2 = { exitCodes: [], lost: 3 };

/** Runs of one pipeline share its definition, which nothing changes. */
const recent = new Map<string, PipelineDefinition>();
const RECENT_MAX = 16;
const RECENT_CHARACTERS_MAX = 64 * 1024;

export const readStoredDefinition = (json: string): PipelineDefinition => {
	const known = recent.get(json);
	if (known) return known;
	const definition = read(json);
	if (json.length > RECENT_CHARACTERS_MAX) return definition;
	const [oldest] = recent.keys();
	if (oldest !== undefined && recent.size >= RECENT_MAX) recent.delete(oldest);
	recent.set(json, definition);
	return definition;
};

const read = (json: string): PipelineDefinition => {
	const stored = JSON.parse(json) as Omit<PipelineDefinition, "version"> & { version: number };
	if (stored.version === 3) return stored as PipelineDefinition;
	return {
		...pipelineSince2,
		...stored,
		version: 3,
		steps: stored.steps.map((step) => ({
			...stepSince2,
			...stepSince3,
			...step,
			resources: { ...resourcesSince3, ...step.resources },
			retries: { ...retriesSince2, ...step.retries },
		})),
	};
};
