/** Pipelines of any size in the shapes that runs have: what grows with a run shows in one of them. */

import type { PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";

type Shape = (steps: number) => PipelineDefinition;

const step = (name: string, changes: Partial<StepDefinition> = {}): StepDefinition => ({
	...{ name, needs: [], inputs: {}, matrix: null, action: { kind: "noop" }, outputs: {}, env: {} },
	...{ resources: { cpuMillis: 0, memoryBytes: 0, gpu: null, diskBytes: 0, named: {} }, labels: {}, gates: [] },
	retries: { max: 0, on: [], exitCodes: [], delayMs: 0, backoff: 1, lost: 3 },
	...{ timeoutMs: 0, graceMs: 10_000, lostWaitMs: 0, priority: 50, condition: null, values: [], cache: null },
	...{ concurrency: null, params: null, phase: "main" },
	...{ limits: { cpu: false, memory: false }, image: "", environment: null, nodes: 1 },
	...changes,
});

const pipeline = (steps: StepDefinition[]): PipelineDefinition => ({
	...{ version: 3, name: "bench", params: {}, timeoutMs: 0, concurrency: null },
	steps,
});

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `s${index}`);

export const shapes: Readonly<Record<string, Shape>> = {
	/** One after the other. */
	chain: (steps) =>
		pipeline(names(steps).map((name, index) => step(name, { needs: index === 0 ? [] : [`s${index - 1}`] }))),
	/** All at once. */
	wide: (steps) => pipeline(names(steps).map((name) => step(name))),
	/** One step of many cells, and one behind them. */
	matrix: (steps) => {
		const n = Array.from({ length: steps - 1 }, (_, index) => index);
		return pipeline([step("cell", { matrix: { n } }), step("end", { needs: ["cell"] })]);
	},
	/** One before many, and one behind them. */
	diamond: (steps) => {
		const middle = names(steps - 2);
		const sides = middle.map((name) => step(name, { needs: ["first"] }));
		return pipeline([step("first"), ...sides, step("last", { needs: middle })]);
	},
	/** Two layers of cells, the second asked of the first by their `if`. */
	layers: (steps) => {
		const n = Array.from({ length: steps / 2 }, (_, index) => index);
		const condition = { source: "steps.first.state == 'succeeded' && matrix.n >= 0", statusAware: true };
		return pipeline([step("first", { matrix: { n } }), step("second", { needs: ["first"], matrix: { n }, condition })]);
	},
};
