/** Pipeline definitions for tests of the core, without a file. */

import type { PipelineDefinition, StepAction, StepDefinition } from "#shared/pipeline/definition.ts";

export const command: StepAction = { kind: "command", command: "true", shell: ["/bin/sh", "-c"], workdir: "" };

export const stepOf = (name: string, changes: Partial<StepDefinition> = {}): StepDefinition => ({
	name,
	needs: [],
	inputs: {},
	matrix: null,
	action: command,
	outputs: {},
	env: {},
	resources: { cpuMillis: 1000, memoryBytes: 0, gpu: null, diskBytes: 0, named: {} },
	labels: {},
	gates: [],
	retries: { max: 0, on: ["error", "timeout"], exitCodes: [], delayMs: 1000, backoff: 2, lost: 3 },
	timeoutMs: 0,
	graceMs: 10_000,
	lostWaitMs: 0,
	priority: 50,
	condition: null,
	values: [],
	cache: null,
	concurrency: null,
	params: null,
	phase: "main",
	...{ limits: { cpu: false, memory: false }, image: "", environment: null, nodes: 1 },
	...changes,
});

export const pipelineOf = (...steps: StepDefinition[]): PipelineDefinition => ({
	version: 3,
	name: "test",
	params: {},
	timeoutMs: 0,
	concurrency: null,
	steps,
});
