// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests

import { describe, expect, it, test } from "vitest";
import type { StepEnvironment } from "#shared/domain.ts";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { parsePipeline } from "#shared/pipeline/parse.ts";
import { parsed } from "./parsed.ts";

const Gi = 1024 ** 3;
const Mi = 1024 ** 2;

const step = (body: string, name = "a"): StepDefinition => {
	const found = parsed(`name: p\nsteps:\n  ${name}: ${body}\n`).steps[0];
	if (found === undefined) throw new Error("no step");
	return found;
};

const python = (own: Partial<StepEnvironment>): StepEnvironment => ({
	kind: "python",
	file: "",
	packages: [],
	version: "",
	...own,
});

const unset = {
	condition: null,
	values: [],
	graceMs: 10_000,
	lostWaitMs: 0,
	cache: null,
	concurrency: null,
	params: null,
	phase: "main",
	image: "",
	environment: null,
	nodes: 1,
} satisfies Partial<StepDefinition>;

describe("a whole file", () => {
	const definition = parsed(`
name: digits
params:
  epochs: 40
  lr: 1.0
  tag: {type: string, default: v1, choices: [v1, v2]}
  seed: {type: integer, min: 0}
defaults: {retries: 1, timeout: 30m, env: {A: 1, B: 1.10}, labels: {zone: eu}, priority: 60, resources: {memory: 1GB}}
steps:
  prepare:
    run: node prepare.mjs
    outputs: [dataset, test]
    resources: {cpu: 500m}
  train:
    inputs: {dataset: prepare.dataset}
    matrix: {seed: [1, 2], lr: [0.1, 0.03]}
    run: node train.mjs --lr \${{ matrix.lr }} --epochs \${{ params.epochs }}
    outputs: {model: ./out//model.onnx}
    env: {B: "\${{ matrix.seed }}"}
    resources: {cpu: 2, memory: 1Gi, gpu: A100:40GB:2}
    retries: {max: 2, on: [error, lost], delay: 10s, backoff: 3}
    timeout: 2h
    labels: {gpu: true}
    priority: 0
    workdir: ./src/
    shell: bash
  best: {uses: select, with: {from: train, metric: accuracy}}
  validate:
    needs: [train]
    inputs: {model: best.model, dataset: prepare.dataset}
    run: node validate.mjs
    outputs: {golden: golden.json}
    gates: [accuracy >= 0.95, latency_p99_ms < 5]
    cache: false
    nodes: 1
  deploy:
    uses: deploy
    needs: validate
    with: {model: best.model, name: digits, replicas: 2, golden: validate.golden}
  joint: {uses: noop, needs: [deploy, prepare]}
`);
	const byName = new Map(definition.steps.map((each) => [each.name, each]));

	it("has its parameters, typed by their defaults", () => {
		expect(definition.params).toEqual({
			epochs: { type: "integer", default: 40, min: null, max: null, choices: [], description: "" },
			lr: { type: "number", default: 1, min: null, max: null, choices: [], description: "" },
			tag: { type: "string", default: "v1", min: null, max: null, choices: ["v1", "v2"], description: "" },
			seed: { type: "integer", default: null, min: 0, max: null, choices: [], description: "" },
		});
	});

	it("takes from defaults, key by key", () => {
		expect(byName.get("prepare")).toEqual({
			name: "prepare",
			needs: [],
			inputs: {},
			matrix: null,
			action: { kind: "command", command: "node prepare.mjs", shell: ["/bin/sh", "-c"], workdir: "" },
			outputs: { dataset: "dataset", test: "test" },
			env: { A: "1", B: "1.10" },
			resources: { cpuMillis: 500, memoryBytes: 1e9, gpu: null, diskBytes: 0, named: {} },
			limits: { cpu: true, memory: true },
			labels: { zone: "eu" },
			gates: [],
			retries: {
				max: 1,
				on: ["error", "timeout", "oom", "launch", "input", "disk", "setup"],
				exitCodes: [],
				delayMs: 1000,
				backoff: 2,
				lost: 3,
			},
			timeoutMs: 30 * 60_000,
			priority: 60,
			...unset,
		} satisfies StepDefinition);
	});

	it("lets a step say otherwise", () => {
		expect(byName.get("train")).toEqual({
			name: "train",
			needs: ["prepare"],
			inputs: { dataset: { step: "prepare", output: "dataset" } },
			matrix: { seed: [1, 2], lr: [0.1, 0.03] },
			action: {
				kind: "command",
				command: "node train.mjs --lr ${{ matrix.lr }} --epochs ${{ params.epochs }}",
				shell: ["/bin/bash", "-eo", "pipefail", "-c"],
				workdir: "src",
			},
			outputs: { model: "out/model.onnx" },
			env: { A: "1", B: "${{ matrix.seed }}" },
			resources: {
				cpuMillis: 2000,
				memoryBytes: Gi,
				gpu: { count: 2, memoryBytes: 40e9, model: "A100" },
				diskBytes: 0,
				named: {},
			},
			limits: { cpu: true, memory: true },
			labels: { zone: "eu", gpu: "true" },
			gates: [],
			retries: { max: 2, on: ["error", "lost"], exitCodes: [], delayMs: 10_000, backoff: 3, lost: 3 },
			timeoutMs: 7_200_000,
			priority: 0,
			...unset,
		} satisfies StepDefinition);
	});

	it("gives a select step the outputs of the step it chooses from", () => {
		expect(byName.get("best")).toMatchObject({
			needs: ["train"],
			outputs: { model: "out/model.onnx" },
			action: { kind: "select", from: "train", metric: "accuracy", mode: "max" },
		});
	});

	it("needs what it takes, once", () => {
		expect(byName.get("validate")?.needs).toEqual(["train", "best", "prepare"]);
		expect(byName.get("deploy")).toMatchObject({
			needs: ["validate", "best"],
			action: {
				kind: "deploy",
				model: { step: "best", output: "model" },
				golden: { step: "validate", output: "golden" },
				name: "digits",
				replicas: 2,
			},
		});
		expect(byName.get("joint")).toMatchObject({ needs: ["deploy", "prepare"], action: { kind: "noop" }, outputs: {} });
	});

	it("reads gates", () => {
		expect(byName.get("validate")?.gates).toEqual([
			{ metric: "accuracy", operator: ">=", value: 0.95, source: "accuracy >= 0.95" },
			{ metric: "latency_p99_ms", operator: "<", value: 5, source: "latency_p99_ms < 5" },
		]);
	});
});

test("a step without settings has the built-in ones", () => {
	expect(step("{run: x}")).toMatchObject({
		resources: { cpuMillis: 1000, memoryBytes: 256 * Mi, gpu: null, diskBytes: 0, named: {} },
		retries: {
			max: 0,
			on: ["error", "timeout", "oom", "launch", "input", "disk", "setup"],
			exitCodes: [],
			delayMs: 1000,
			backoff: 2,
			lost: 3,
		},
		timeoutMs: 0,
		priority: 50,
		env: {},
		labels: {},
	});
});

test.each<[string, Partial<StepDefinition>]>([
	[
		"{run: x, resources: {gpu: 1}}",
		{
			resources: {
				cpuMillis: 1000,
				memoryBytes: 256 * Mi,
				gpu: { count: 1, memoryBytes: 0, model: "" },
				diskBytes: 0,
				named: {},
			},
		},
	],
	[
		"{run: x, resources: {gpu: {count: 2, memory: 10Gi, model: T4}}}",
		{
			resources: {
				cpuMillis: 1000,
				memoryBytes: 256 * Mi,
				gpu: { count: 2, memoryBytes: 10 * Gi, model: "T4" },
				diskBytes: 0,
				named: {},
			},
		},
	],
	[
		"{run: x, resources: {gpu: {}}}",
		{
			resources: {
				cpuMillis: 1000,
				memoryBytes: 256 * Mi,
				gpu: { count: 1, memoryBytes: 0, model: "" },
				diskBytes: 0,
				named: {},
			},
		},
	],
	[
		"{run: x, resources: {gpu: 0, cpu: 0, memory: 0}}",
		{ resources: { cpuMillis: 0, memoryBytes: 0, gpu: null, diskBytes: 0, named: {} } },
	],
	["{run: x, timeout: 500ms}", { timeoutMs: 500 }],
	["{run: x, timeout: 0}", { timeoutMs: 0 }],
	["{run: x, gates: a > 1}", { gates: [{ metric: "a", operator: ">", value: 1, source: "a > 1" }] }],
	['{run: x, env: {constructor: 1, E: ""}}', { env: { constructor: "1", E: "" } }],
	[
		"{run: 'true', shell: [python3, -c]}",
		{ action: { kind: "command", command: "true", shell: ["python3", "-c"], workdir: "" } },
	],
	["{run: true}", { action: { kind: "command", command: "true", shell: ["/bin/sh", "-c"], workdir: "" } }],
	["{run: x, workdir: .}", { action: { kind: "command", command: "x", shell: ["/bin/sh", "-c"], workdir: "" } }],
	["{run: x, cache: false, checkpoint: false, nodes: 1}", { name: "a" }],
	["{run: x, nodes: 4}", { nodes: 4 }],
	[
		"{run: x, resources: {disk: 10Gi, license.matlab: 2}}",
		{
			resources: {
				cpuMillis: 1000,
				memoryBytes: 256 * Mi,
				gpu: null,
				diskBytes: 10 * Gi,
				named: { "license.matlab": 2 },
			},
			limits: { cpu: false, memory: false },
		},
	],
	["{run: x, resources: {memory: 256Mi}}", { limits: { cpu: false, memory: true } }],
	["{run: x, image: registry.lab:5000/a/b@sha256:0f}", { image: "registry.lab:5000/a/b@sha256:0f", environment: null }],
	["{run: x, image: 'python:${{ matrix.v }}', matrix: {v: [a]}}", { image: "python:${{ matrix.v }}" }],
	["{run: x, python: ./requirements.txt}", { environment: python({ file: "requirements.txt" }) }],
	[
		"{run: x, python: {requirements: r.txt, packages: [numpy==2.1, 'b[c]>1'], version: 3.10}}",
		{ environment: python({ file: "r.txt", packages: ["numpy==2.1", "b[c]>1"], version: "3.10" }) },
	],
	["{run: x, python: {packages: numpy}}", { environment: python({ packages: ["numpy"] }) }],
	["{run: x, conda: env.yaml}", { environment: { kind: "conda", file: "env.yaml", packages: [], version: "" } }],
	[
		"{run: x, conda: {file: e/env.yaml}}",
		{ environment: { kind: "conda", file: "e/env.yaml", packages: [], version: "" } },
	],
	["{run: x, node: .}", { environment: { kind: "node", file: "", packages: [], version: "" } }],
	["{run: x, node: {folder: web}}", { environment: { kind: "node", file: "web", packages: [], version: "" } }],
	["{uses: noop, matrix: {i: [1, a, true]}}", { matrix: { i: [1, "a", true] }, action: { kind: "noop" } }],
])("%s", (body, expected) => expect(step(body)).toMatchObject(expected));

test.each<[string, string, Partial<StepDefinition>]>([
	["{image: a}", "{run: x}", { image: "a", environment: null }],
	["{image: a}", "{run: x, image: b}", { image: "b" }],
	["{image: a}", "{run: x, image: none}", { image: "" }],
	["{image: a}", '{run: x, image: ""}', { image: "" }],
	["{image: a}", "{run: x, python: r.txt}", { image: "", environment: python({ file: "r.txt" }) }],
	["{image: a}", "{run: x, python: none}", { image: "a" }],
	["{python: r.txt}", "{run: x, image: b}", { image: "b", environment: null }],
	["{python: r.txt}", "{run: x, python: none}", { image: "", environment: null }],
	["{python: r.txt}", "{run: x, node: none}", { environment: python({ file: "r.txt" }) }],
	["{python: r.txt}", "{uses: noop}", { environment: null }],
	["{image: a, nodes: 2}", "{uses: noop}", { image: "", nodes: 1 }],
	["{nodes: 2}", "{run: x, nodes: 1}", { nodes: 1 }],
	[
		"{resources: {disk: 1Gi, cpu: 2, a.b: 1, a.c: 1}}",
		"{run: x, resources: {a.b: 0, a.d: 3}}",
		{
			resources: {
				cpuMillis: 2000,
				memoryBytes: 256 * Mi,
				gpu: null,
				diskBytes: Gi,
				named: { "a.b": 0, "a.c": 1, "a.d": 3 },
			},
			limits: { cpu: true, memory: false },
		},
	],
	["{resources: {cpu: 2}}", "{uses: noop}", { limits: { cpu: false, memory: false } }],
])("defaults %s, step %s", (defaults, body, expected) => {
	const [found] = parsed(`name: p\ndefaults: ${defaults}\nsteps:\n  a: ${body}\n`).steps;
	expect(found).toMatchObject(expected);
});

test("anchors and aliases are expanded, each with its own path", () => {
	const text =
		"name: p\nsteps:\n  a: &base\n    run: x\n    resources: &small {cpu: 2}\n  b: *base\n  c: {run: y, resources: *small}\n";
	const { steps } = parsed(text);
	expect(steps.map(({ name, resources }) => [name, resources.cpuMillis])).toEqual([
		["a", 2000],
		["b", 2000],
		["c", 2000],
	]);
	const bad = parsePipeline(text.replace("run: x", "rum: x"), "p.yaml");
	expect(bad.problems.map(({ path }) => path)).toContain("steps.b.rum");
});

test("names that objects know themselves are only names", () => {
	const { steps, params } = parsed(
		"name: p\nparams: {constructor: 1}\nsteps: {toString: {run: '${{ params.constructor }}', outputs: [valueOf]}, b: {run: x, inputs: {hasOwnProperty: toString.valueOf}}}",
	);
	expect(params.constructor).toMatchObject({ default: 1 });
	expect(steps[1]?.inputs).toEqual({ hasOwnProperty: { step: "toString", output: "valueOf" } });
});

test("a thousand steps", () => {
	const lines = Array.from(
		{ length: 1000 },
		(_, index) => `  s${index}: {run: x, outputs: [o]${index ? `, inputs: {i: s${index - 1}.o}` : ""}}`,
	);
	expect(parsed(`name: p\nsteps:\n${lines.join("\n")}\n`).steps).toHaveLength(1000);
});
