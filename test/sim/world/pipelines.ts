/** Random pipelines: graphs, matrices, selects, deploys, retries, timeouts; and how their steps behave. */

import type { Task } from "#shared/domain.ts";
import type { PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";
import { type Random, seededRandom } from "#shared/random.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import type { Behaviour } from "./agent.ts";

export const randomPipeline = (random: Random): PipelineDefinition => {
	const steps: StepDefinition[] = [];
	const count = 1 + random.below(6);
	for (let index = 0; index < count; index++) {
		const needs = steps.filter(() => random.next() < 0.35).map((step) => step.name);
		steps.push(randomStep(random, `s${index}`, needs));
	}
	const matrix = steps.find((step) => step.matrix);
	if (matrix && random.next() < 0.7) {
		const action = { kind: "select", from: matrix.name, metric: "score", mode: "max" } as const;
		steps.push(stepOf("best", { needs: [matrix.name], action }));
		if (random.next() < 0.6) {
			const model = { step: "best", output: "model" };
			const deploy = { kind: "deploy", model, golden: null, name: `m${random.below(2)}`, replicas: 1 } as const;
			steps.push(stepOf("ship", { needs: ["best"], action: deploy, timeoutMs: 120_000 }));
		}
	}
	return pipelineOf(...steps);
};

const randomStep = (random: Random, name: string, needs: string[]): StepDefinition =>
	stepOf(name, {
		needs,
		matrix: random.next() < 0.25 ? { x: Array.from({ length: 1 + random.below(4) }, (_, value) => value) } : null,
		action: random.next() < 0.15 ? { kind: "noop" } : stepOf(name).action,
		outputs: { model: "model" },
		resources: { cpuMillis: 250 * (1 + random.below(8)), memoryBytes: 0, gpu: null },
		retries: { max: random.below(3), on: ["error", "timeout"], delayMs: 500, backoff: 2 },
		timeoutMs: random.next() < 0.2 ? 20_000 : 0,
		priority: random.below(101),
	});

/** The same attempt behaves the same in every replay of a seed. */
export const behaviourOf =
	(seed: number) =>
	(task: Task): Behaviour => {
		let hash = seed;
		for (const char of task.attemptId) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0;
		const random = seededRandom(hash);
		return {
			runsMs: random.next() < 0.1 ? 60_000 : 10 + random.below(8_000),
			exitCode: random.next() < 0.12 ? 1 : 0,
			ignoresTerm: random.next() < 0.1,
		};
	};
