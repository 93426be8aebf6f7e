// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests

/** Keys of the file that say when, how often and under which conditions steps run. */

import { describe, expect, it, test } from "vitest";
import type { PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";
import { parsed } from "./parsed.ts";

const head = "name: p\nparams: {full: true, epochs: 4}\n";

const stepsOf = (body: string): Map<string, StepDefinition> =>
	new Map(parsed(`${head}${body}`).steps.map((step) => [step.name, step]));

/** Step `a` among others that it may name. */
const a = (body: string): StepDefinition => {
	const steps = stepsOf(`steps:
  prepare: {run: x, outputs: [dataset, shards]}
  train: {run: x, matrix: {i: [1, 2]}, outputs: [model]}
  best: {uses: select, with: {from: train, metric: m}}
  check: {run: x, outputs: {verdict: v.json}}
  a: ${body}
`);
	return steps.get("a") ?? expect.fail("no step a");
};

test.each<[string, Partial<StepDefinition>]>([
	["{run: x, if: params.full}", { needs: [], condition: { source: "params.full", statusAware: false } }],
	["{run: x, if: true}", { condition: { source: "true", statusAware: false } }],
	["{run: x, if: '${{ params.epochs > 3 }}'}", { condition: { source: "params.epochs > 3", statusAware: false } }],
	[
		"{run: x, if: steps.check.outputs.verdict == 'ok'}",
		{ needs: ["check"], condition: { source: "steps.check.outputs.verdict == 'ok'", statusAware: false } },
	],
	[
		"{run: x, needs: prepare, if: steps.best.metrics.accuracy > 0.9 && steps.prepare.state != 'failed'}",
		{
			needs: ["prepare", "best"],
			condition: { source: "steps.best.metrics.accuracy > 0.9 && steps.prepare.state != 'failed'", statusAware: true },
		},
	],
	["{run: x, if: steps.train.state == 'failed'}", { needs: ["train"] }],
	["{run: x, needs: check, if: always()}", { condition: { source: "always()", statusAware: true } }],
	["{run: x, if: matrix.s == 1, matrix: {s: [1, 2]}}", { condition: { source: "matrix.s == 1", statusAware: false } }],
	["{run: x, if: matrix.s.k == 1, matrix: {s: [{k: 1}]}}", { matrix: { s: [{ k: 1 }] } }],
	["{run: x, if: matrix.s.k == 1, matrix: {s: prepare.shards}}", { needs: ["prepare"] }],
	[
		"{run: 'x ${{ steps.check.outputs.verdict }}', env: {A: '${{ steps.best.metrics.m }}'}}",
		{ needs: ["check", "best"] },
	],
	["{run: x, timeout: 0, grace: 0}", { timeoutMs: 0, graceMs: 0 }],
	["{run: x, grace: 1h}", { graceMs: 3_600_000 }],
	["{run: x, on_lost: restart}", { lostWaitMs: 0 }],
	["{run: x, on_lost: {wait: 10m}}", { lostWaitMs: 600_000 }],
	["{run: x, cache: true}", { cache: { ttlMs: 0 } }],
	["{run: x, cache: {ttl: 7d}}", { cache: { ttlMs: 604_800_000 } }],
	["{run: x, cache: {}}", { cache: { ttlMs: 0 } }],
	["{run: x, cache: false}", { cache: null }],
	["{run: x, concurrency: lab}", { concurrency: { group: "lab", max: 1, cancelInProgress: false } }],
	[
		"{run: x, matrix: {s: [1]}, concurrency: {group: 'lab-${{ matrix.s }}-${{ params.epochs }}', max: 3}}",
		{ concurrency: { group: "lab-${{ matrix.s }}-${{ params.epochs }}", max: 3, cancelInProgress: false } },
	],
	[
		"{uses: approve, with: {message: 'Serve ${{ steps.check.outputs.verdict }}?'}, timeout: 1d}",
		{
			needs: ["check"],
			action: { kind: "approve", message: "Serve ${{ steps.check.outputs.verdict }}?" },
			outputs: {},
			timeoutMs: 86_400_000,
		},
	],
	["{uses: select, if: params.full, with: {from: train, metric: m}}", { outputs: { model: "model" } }],
])("%s", (body, expected) => expect(a(body)).toMatchObject(expected));

test.each<[string, Partial<StepDefinition["retries"]>]>([
	["2", { max: 2, exitCodes: [], lost: 3 }],
	["{max: 2, on: [42, 3, 42]}", { on: ["error"], exitCodes: [3, 42] }],
	["{max: 2, on: 75}", { on: ["error"], exitCodes: [75] }],
	["{max: 2, on: [timeout, 75]}", { on: ["timeout", "error"], exitCodes: [75] }],
	["{max: 2, on: [lost], lost: 0}", { on: ["lost"], lost: 0 }],
	["{lost: 10}", { max: 0, lost: 10 }],
	["{max: 5, delay: 10s, backoff: 1}", { max: 5, delayMs: 10_000, backoff: 1 }],
])("retries: %s", (text, expected) => expect(a(`{run: x, retries: ${text}}`).retries).toMatchObject(expected));

test("defaults hold for what they mean something to", () => {
	const steps = stepsOf(`
defaults: {timeout: 30m, grace: 30s, cache: true, on_lost: {wait: 1m}, retries: {max: 1, on: [7], lost: 5}}
steps:
  train: {run: x, outputs: [model], retries: {delay: 5s}}
  fresh: {run: x, cache: false, grace: 1s, on_lost: restart}
  ask: {uses: approve, with: {message: ok?}}
  deploy: {uses: deploy, needs: ask, with: {model: train.model, name: d}}
`);
	expect(steps.get("train")).toMatchObject({
		graceMs: 30_000,
		cache: { ttlMs: 0 },
		lostWaitMs: 60_000,
		retries: { max: 1, on: ["error"], exitCodes: [7], lost: 5, delayMs: 5_000 },
	});
	expect(steps.get("fresh")).toMatchObject({ graceMs: 1_000, cache: null, lostWaitMs: 0, timeoutMs: 1_800_000 });
	// A person is not hurried by a limit that was meant for programs.
	expect(steps.get("ask")).toMatchObject({ timeoutMs: 0, cache: null });
	expect(steps.get("deploy")).toMatchObject({ timeoutMs: 1_800_000, cache: null });
});

describe("the head of the file", () => {
	const of = (text: string): PipelineDefinition => parsed(`${head}${text}\nsteps: {a: {run: x, outputs: [o]}}`);

	it.each<[string, Partial<PipelineDefinition>]>([
		["", { timeoutMs: 0, concurrency: null }],
		["timeout: 12h", { timeoutMs: 43_200_000 }],
		["concurrency: nightly", { concurrency: { group: "nightly", max: 1, cancelInProgress: false } }],
		[
			"concurrency: {group: 'p-${{ params.full }}', cancel_in_progress: true, max: 2}",
			{ concurrency: { group: "p-${{ params.full }}", max: 2, cancelInProgress: true } },
		],
		// What a pipeline that uses this file may take.
		["outputs: {o: a.o}", { timeoutMs: 0 }],
	])("%s", (text, expected) => expect(of(text)).toMatchObject(expected));

	it("describes parameters", () => {
		const { params } = parsed(
			"name: p\nparams: {x: {type: string, description: what it is for}}\nsteps: {a: {run: x}}",
		);
		expect(params.x).toMatchObject({ description: "what it is for" });
	});
});

describe("values", () => {
	const valuesOf = (body: string): Record<string, string[]> =>
		Object.fromEntries(
			[
				...stepsOf(`steps:
  prepare: {run: x, outputs: [dataset, shards]}
  train: {run: x, matrix: {i: [1, 2]}, outputs: [model, note]}
  best: {uses: select, with: {from: train, metric: m}}
  ${body}
`).values(),
			].flatMap(({ name, values }) => (values.length > 0 ? [[name, values]] : [])),
		);

	it.each<[string, Record<string, string[]>]>([
		["a: {run: x, inputs: {d: prepare.dataset}}", {}],
		["a: {run: x, matrix: {s: prepare.shards}}", { prepare: ["shards"] }],
		["a: {run: x, if: steps.prepare.outputs.dataset}", { prepare: ["dataset"] }],
		["a: {run: x, if: \"'steps.prepare.outputs.dataset'\"}", {}],
		["a: {run: x, if: steps.prepare.metrics.dataset > 1 && steps.prepare.state}", {}],
		[
			"a: {run: '${{ steps.prepare.outputs.shards }} ${{ steps.prepare.outputs.dataset }}'}",
			{ prepare: ["dataset", "shards"] },
		],
		["a: {run: x, env: {A: '${{ steps.prepare.outputs.shards }}'}}", { prepare: ["shards"] }],
		["a: {uses: approve, with: {message: '${{ steps.prepare.outputs.shards }}'}}", { prepare: ["shards"] }],
		// Whoever is chosen must have said it.
		["a: {run: '${{ steps.best.outputs.note }}'}", { train: ["note"], best: ["note"] }],
	])("%s", (body, expected) => expect(valuesOf(body)).toEqual(expected));
});

describe("on_failure", () => {
	const steps = stepsOf(`
steps:
  train: {run: x, outputs: [model], matrix: {i: [1, 2]}}
  check: {run: x, outputs: [log]}
on_failure:
  tell: {run: "x \${{ steps.train.state }}", inputs: {log: check.log}}
  clean: {run: x, needs: tell, if: "params.full && steps.tell.state == 'succeeded'"}
`);

	it("waits for all steps, and for a failure", () => {
		expect(steps.get("tell")).toMatchObject({
			phase: "onFailure",
			needs: ["train", "check"],
			condition: { source: "failed()", statusAware: true },
		});
		expect(steps.get("clean")).toMatchObject({
			phase: "onFailure",
			needs: ["train", "check", "tell"],
			condition: { source: "failed() && (params.full && steps.tell.state == 'succeeded')", statusAware: true },
		});
	});

	it("leaves the others alone", () => {
		expect(steps.get("check")).toMatchObject({ phase: "main", needs: [], condition: null });
	});
});
