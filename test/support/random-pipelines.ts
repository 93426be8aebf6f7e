/** Pipelines as fast-check draws them: every kind of step, every key that the core acts on. */

import fc from "fast-check";
import type { PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";
import { command, pipelineOf, stepOf } from "./definitions.ts";

/** What is drawn for a step; needs point at earlier steps. */
interface Draw {
	kind: "command" | "noop" | "cells" | "dynamic" | "select" | "collect" | "approve" | "deploy";
	needs: number[];
	condition: string | null;
	group: string | null;
	cached: boolean;
	max: number;
	lostWait: boolean;
	onFailure: boolean;
}

const draw: fc.Arbitrary<Draw> = fc.record({
	kind: fc.constantFrom("command", "command", "cells", "dynamic", "noop", "select", "collect", "approve", "deploy"),
	needs: fc.array(fc.nat(5), { maxLength: 3 }),
	condition: fc.constantFrom(null, null, null, "always()", "failed()", "succeeded()", "params.flag", "1 == 2"),
	group: fc.constantFrom(null, null, null, "g", "h"),
	cached: fc.boolean(),
	max: fc.nat(2),
	lostWait: fc.boolean(),
	onFailure: fc.integer({ min: 0, max: 9 }).map((at) => at === 0),
});

const STATUS_AWARE = /\(\)/;

const makeStep = (drawn: Draw, index: number, earlier: readonly StepDefinition[]): StepDefinition => {
	const main = earlier.filter(({ phase }) => phase === "main");
	const needs = new Set(drawn.needs.flatMap((at) => (at < main.length ? [main[at]?.name ?? ""] : [])));
	const changes: Partial<StepDefinition> = {
		outputs: { out: "o" },
		values: ["out"],
		cache: drawn.cached ? { ttlMs: 0 } : null,
		concurrency: drawn.group === null ? null : { group: drawn.group, max: 1, cancelInProgress: false },
		lostWaitMs: drawn.lostWait ? 60_000 : 0,
		retries: { max: drawn.max, on: ["error", "timeout"], exitCodes: [], delayMs: 500, backoff: 2, lost: 2 },
		condition:
			drawn.condition === null ? null : { source: drawn.condition, statusAware: STATUS_AWARE.test(drawn.condition) },
	};
	const source = main.find(({ action, matrix }) => action.kind === "command" && matrix === null);
	const ref = source && { step: source.name, output: "out" };
	if (drawn.kind === "cells") changes.matrix = { n: [1, 2, 3] };
	if (drawn.kind === "noop") changes.action = { kind: "noop" };
	if (drawn.kind === "approve") changes.action = { kind: "approve", message: "" };
	if (drawn.kind === "dynamic" && ref) changes.matrix = { n: ref };
	if (drawn.kind === "collect" && ref) changes.action = { kind: "collect", outputs: { out: ref } };
	if (drawn.kind === "deploy" && ref) {
		changes.action = { kind: "deploy", model: ref, golden: null, name: "digits", replicas: 1 };
		changes.timeoutMs = 60_000;
	}
	if (drawn.kind === "select" && ref)
		changes.action = { kind: "select", from: ref.step, metric: "accuracy", mode: "max" };
	const usesSource = ["dynamic", "collect", "deploy", "select"].includes(drawn.kind);
	if (ref && usesSource) needs.add(ref.step);
	if (changes.action !== undefined && changes.action !== command) changes.values = [];
	if (drawn.onFailure && earlier.length > 0) {
		changes.phase = "onFailure";
		changes.condition = { source: "failed()", statusAware: true };
		for (const { name } of main) needs.add(name);
	}
	return stepOf(`s${index}`, { ...changes, needs: [...needs] });
};

/** A step whose outputs are not there has none: an aware step may stand behind one that failed. */
export const anyPipeline: fc.Arbitrary<PipelineDefinition> = fc
	.record({
		draws: fc.array(draw, { minLength: 1, maxLength: 6 }),
		grouped: fc.constantFrom(null, null, { max: 1, cancelInProgress: false }, { max: 1, cancelInProgress: true }),
		timeoutMs: fc.constantFrom(0, 0, 0, 45_000),
	})
	.map(({ draws, grouped, timeoutMs }) => {
		// Those for failures come last, so that they need all others.
		const ordered = [...draws.filter(({ onFailure }) => !onFailure), ...draws.filter(({ onFailure }) => onFailure)];
		const steps: StepDefinition[] = [];
		for (const [index, each] of ordered.entries()) steps.push(makeStep(each, index, steps));
		return { ...pipelineOf(...steps), timeoutMs, concurrency: grouped && { group: "runs", ...grouped } };
	});
