// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests

import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { bindParams } from "#shared/pipeline/bind.ts";
import { evaluateCondition } from "#shared/pipeline/condition.ts";
import type { ParamValue, PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";
import { referencedFiles, resolveFile } from "#shared/pipeline/files.ts";
import { resolveParams } from "#shared/pipeline/params.ts";
import { parsePipeline } from "#shared/pipeline/parse.ts";

type Files = Record<string, string>;

const parse = (text: string, files: Files): PipelineDefinition => {
	const { definition, problems } = parsePipeline(text, "dir/main.yaml", files);
	if (definition === null) throw new Error(JSON.stringify(problems, null, 2));
	return definition;
};

/** "file:line:column path: message (hint)" */
const problemsOf = (text: string, files: Files): string[] =>
	parsePipeline(text, "dir/main.yaml", files).problems.map(
		({ file, line, column, path, message, hint }) =>
			`${file}:${line}:${column} ${path}: ${message}${hint ? ` (${hint})` : ""}`,
	);

const steps = (definition: PipelineDefinition): Map<string, StepDefinition> =>
	new Map(definition.steps.map((step) => [step.name, step]));

const main = `name: main
params: {epochs: 4, mode: full}
defaults: {timeout: 30m}
steps:
  prepare: {run: x, outputs: [dataset]}
  fit:
    uses: pipeline
    needs: prepare
    with:
      file: parts/train.yaml
      params: {epochs: "\${{ params.epochs }}", tag: "t-\${{ params.mode }}"}
      inputs: {data: prepare.dataset}
  ask: {uses: approve, if: steps.fit.outputs.report == 'good', with: {message: ok?}}
  deploy: {uses: deploy, needs: ask, with: {model: fit.model, name: d}}
`;

const train = `params: {epochs: {type: integer, max: 100}, tag: x, seed: 1}
defaults: {retries: 2}
inputs: [data]
outputs: {model: best.model, report: report.report}
steps:
  split: {run: "split \${{ params.tag }}", inputs: {d: inputs.data}, outputs: [folds]}
  train:
    run: train \${{ matrix.fold }} --epochs \${{ params.epochs }}
    inputs: {d: inputs.data}
    matrix: {fold: split.folds}
    outputs: [model]
  best: {uses: select, with: {from: train, metric: accuracy}}
  report:
    run: report \${{ steps.best.metrics.accuracy }}
    env: {BEST: "\${{ steps.best.state }}"}
    if: steps.best.metrics.accuracy > 0.5
    outputs: [report]
`;

describe("a sub-pipeline is written out", () => {
	const definition = parse(main, { "parts/train.yaml": train });
	const byName = steps(definition);

	it("under the step's name, in the order of the files", () => {
		expect([...byName.keys()]).toEqual([
			"prepare",
			"fit.split",
			"fit.train",
			"fit.best",
			"fit.report",
			"fit",
			"ask",
			"deploy",
		]);
	});

	it("with its steps' own needs, and those of the step that uses it", () => {
		expect(byName.get("fit.split")).toMatchObject({
			needs: ["prepare"],
			inputs: { d: { step: "prepare", output: "dataset" } },
			values: ["folds"],
		});
		expect(byName.get("fit.train")).toMatchObject({
			needs: ["fit.split", "prepare"],
			matrix: { fold: { step: "fit.split", output: "folds" } },
		});
		expect(byName.get("fit.best")).toMatchObject({
			needs: ["fit.train"],
			action: { kind: "select", from: "fit.train" },
			outputs: { model: "model" },
		});
	});

	it("with its own names in expressions", () => {
		expect(byName.get("fit.report")).toMatchObject({
			needs: ["fit.best"],
			action: { command: "report ${{ steps.fit.best.metrics.accuracy }}" },
			env: { BEST: "${{ steps.fit.best.state }}" },
			condition: { source: "steps.fit.best.metrics.accuracy > 0.5", statusAware: false },
		});
	});

	it("with its own defaults and parameters", () => {
		expect(byName.get("fit.split")).toMatchObject({ timeoutMs: 0, retries: { max: 2 } });
		expect(byName.get("prepare")).toMatchObject({ timeoutMs: 1_800_000, retries: { max: 0 }, params: null });
		const bound = bindParams(definition, { epochs: 7, mode: "fast" });
		expect(steps(bound).get("fit.train")?.params).toEqual({ epochs: 7, tag: "t-fast", seed: 1 });
		expect(steps(bound).get("prepare")?.params).toBe(null);
		expect(bindParams(bound, { epochs: 8, mode: "odd" })).toEqual(bound);
	});

	it("and ends in a step with what the file gives", () => {
		expect(byName.get("fit")).toMatchObject({
			needs: ["fit.split", "fit.train", "fit.best", "fit.report"],
			action: {
				kind: "collect",
				outputs: {
					model: { step: "fit.best", output: "model" },
					report: { step: "fit.report", output: "report" },
				},
			},
			outputs: { model: "model", report: "report" },
			values: ["report"],
			params: null,
		});
		expect(byName.get("deploy")).toMatchObject({ needs: ["ask", "fit"] });
	});

	it("a parameter that is handed on may only be what the sub-pipeline takes", () => {
		expect(definition.params.epochs).toMatchObject({ default: 4, max: 100 });
		expect(resolveParams(definition, { epochs: "200" }).problems).toEqual([
			"parameter `epochs`: expected at most 100, found 200",
		]);
	});
});

describe("the end of a sub-pipeline", () => {
	const endOf = (sub: string): StepDefinition => {
		const definition = parse("name: p\nsteps: {s: {uses: pipeline, with: {file: sub.yaml}}}", { "sub.yaml": sub });
		return steps(definition).get("s") ?? expect.fail("no step s");
	};
	const states = (all: Record<string, "succeeded" | "failed" | "cancelled" | "skipped">) => ({
		params: {},
		matrix: {},
		steps: (name: string) => {
			const state = all[name];
			return state ? { state, outputs: {}, metrics: {} } : null;
		},
		succeeded: Object.values(all).every((state) => state === "succeeded"),
		failed: Object.values(all).includes("failed"),
	});

	it("is without a condition where every step runs", () => {
		expect(endOf("steps: {a: {run: x}, b: {run: x, needs: a}}").condition).toBe(null);
	});

	it("lets steps be left out that an `if` may leave out, and those behind them", () => {
		const { condition } = endOf("steps: {a: {run: x}, b: {run: x, if: 'false'}, c: {run: x, needs: [a, b]}}");
		const { source = "" } = condition ?? {};
		expect(condition?.statusAware).toBe(true);
		const held = (...all: ("succeeded" | "failed" | "cancelled" | "skipped")[]) =>
			evaluateCondition(
				source,
				states({ "s.a": all[0] ?? "failed", "s.b": all[1] ?? "failed", "s.c": all[2] ?? "failed" }),
			).held;
		expect(held("succeeded", "succeeded", "succeeded")).toBe(true);
		expect(held("succeeded", "skipped", "skipped")).toBe(true);
		expect(held("succeeded", "failed", "skipped")).toBe(false);
		expect(held("skipped", "skipped", "skipped")).toBe(false);
	});

	it("wants those steps whose outputs it gives", () => {
		const { condition } = endOf("outputs: {o: b.o}\nsteps: {a: {run: x}, b: {run: x, if: 'false', outputs: [o]}}");
		expect(evaluateCondition(condition?.source ?? "", states({ "s.a": "succeeded", "s.b": "skipped" })).held).toBe(
			false,
		);
	});

	it("of thousands of steps can be asked", () => {
		const many = Array.from({ length: 3000 }, (_, index) => `  a${index}: {run: x}`).join("\n");
		const { condition } = endOf(`steps:\n${many}\n  z: {run: x, if: 'false'}`);
		const all = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`s.a${index}`, "succeeded" as const]));
		expect(evaluateCondition(condition?.source ?? "", states(all)).held).toBe(true);
	});
});

describe("the `if` of a step that uses a file", () => {
	const rootOf = (condition: string, root = "{run: x}"): StepDefinition => {
		const definition = parse(
			`name: p\nparams: {full: true, n: 3, name: it's "a"}\nsteps:\n  check: {run: x}\n  s: {uses: pipeline, needs: check, ${condition}with: {file: sub.yaml}}`,
			{ "sub.yaml": `params: {full: false}\nsteps: {a: ${root}, b: {run: x, needs: a}}` },
		);
		expect(steps(definition).get("s.b")?.condition).toBe(null);
		const bound = bindParams(definition, { full: true, n: 3, name: 'it\'s "a"' });
		return steps(bound).get("s.a") ?? expect.fail("no step s.a");
	};

	it.each<[string, string, StepDefinition["condition"]]>([
		["", "{run: x}", null],
		["", "{run: x, if: params.full}", { source: "params.full", statusAware: false }],
		["if: params.full, ", "{run: x}", { source: "true", statusAware: false }],
		["if: params.n > 2 && params.full, ", "{run: x}", { source: "3 > 2 && true", statusAware: false }],
		["if: \"params.name != 'x'\", ", "{run: x}", { source: '"it\'s \\"a\\"" != \'x\'', statusAware: false }],
		["if: \"'params.n' != 'x'\", ", "{run: x}", { source: "'params.n' != 'x'", statusAware: false }],
		["if: always(), ", "{run: x}", { source: "always()", statusAware: true }],
		["if: params.full, ", "{run: x, if: params.full}", { source: "(true) && (params.full)", statusAware: false }],
		["if: failed(), ", "{run: x, if: params.full}", { source: "(failed()) && (params.full)", statusAware: true }],
		[
			"if: params.full, ",
			"{run: x, if: always()}",
			{ source: "succeeded() && (true) && (always())", statusAware: true },
		],
		["if: steps.check.metrics.m > 1, ", "{run: x}", { source: "steps.check.metrics.m > 1", statusAware: false }],
	])("%s on %s", (condition, root, expected) => expect(rootOf(condition, root).condition).toEqual(expected));

	it("reads a parameter as it is, whatever it holds", () => {
		const definition = parse(
			"name: p\nparams: {x: a}\nsteps: {s: {uses: pipeline, if: params.x == params.x && params.x != null, with: {file: sub.yaml, params: {y: 'z ${{ params.x }}'}}}}",
			{
				"sub.yaml":
					"params: {y: a}\nsteps: {t: {uses: pipeline, if: \"params.y != 'other'\", with: {file: leaf.yaml, params: {w: '${{ params.y }}'}}}}",
				"leaf.yaml": "params: {w: a}\nsteps: {u: {run: x}}",
			},
		);
		const value = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("${{ params.x }}", '"', "\\", "'", "${{ x"));
		fc.assert(
			fc.property(value, (x: ParamValue) => {
				const leaf = steps(bindParams(definition, { x })).get("s.t.u") ?? expect.fail("no leaf");
				expect(leaf.params).toEqual({ w: `z ${x}` });
				const scope = { params: leaf.params ?? {}, matrix: {}, steps: () => null, succeeded: true, failed: false };
				expect(evaluateCondition(leaf.condition?.source ?? "", scope).held).toBe(true);
			}),
		);
	});
});

test("files in files, paths from where they are named", () => {
	const definition = parse(
		"name: p\nparams: {n: 2}\nsteps: {a: {run: x, outputs: [o]}, s: {uses: pipeline, with: {file: ./one/sub.yaml, params: {n: '${{ params.n }}'}, inputs: {i: a.o}}}}",
		{
			"one/sub.yaml":
				"params: {n: 1}\ninputs: i\noutputs: {o: t.o}\nsteps: {t: {uses: pipeline, with: {file: ../two.yaml, params: {m: '${{ params.n }}', k: 5}, inputs: {j: inputs.i}}}}",
			"two.yaml":
				"params: {m: {type: number, min: 1}, k: {type: integer}}\ninputs: [j]\noutputs: {o: u.o}\nsteps: {u: {run: x, inputs: {j: inputs.j}, outputs: {o: o.txt}}}",
		},
	);
	const byName = steps(bindParams(definition, { n: 9 }));
	expect([...byName.keys()]).toEqual(["a", "s.t.u", "s.t", "s"]);
	expect(byName.get("s.t.u")).toMatchObject({
		needs: ["a"],
		inputs: { j: { step: "a", output: "o" } },
		params: { m: 9, k: 5 },
	});
	expect(byName.get("s")).toMatchObject({
		needs: ["s.t"],
		outputs: { o: "o.txt" },
		action: { outputs: { o: { step: "s.t", output: "o" } } },
	});
	expect(definition.params.n).toMatchObject({ min: 1 });
});

test("one file used twice", () => {
	const definition = parse(
		"name: p\nsteps: {a: {uses: pipeline, with: {file: s.yaml, params: {x: 1}}}, b: {uses: pipeline, needs: a, with: {file: s.yaml, params: {x: 2}}}}",
		{ "s.yaml": "params: {x: 0}\nsteps: {one: {run: x}}" },
	);
	expect(definition.steps.map(({ name, params, needs }) => [name, params, needs])).toEqual([
		["a.one", { x: 1 }, []],
		["a", null, ["a.one"]],
		["b.one", { x: 2 }, ["a"]],
		["b", null, ["b.one"]],
	]);
});

describe("problems", () => {
	const use = (rest: string, more = ""): string =>
		`name: p\nparams: {n: 1, t: x}\nsteps:\n  s: {uses: pipeline, ${rest}}\n${more}`;
	const sub = {
		"s.yaml":
			"params: {n: {type: integer, min: 2}}\ninputs: [data]\noutputs: {o: a.o}\nsteps: {a: {run: x, outputs: [o]}}",
	};

	it.each<[string, string, Files, string[]]>([
		["no with", use("needs: []"), {}, ["dir/main.yaml:4:3 steps.s: expected `with`, a mapping with `file`"]],
		["no file", use("with: {params: {}}"), {}, ["dir/main.yaml:4:3 steps.s: expected `with.file`"]],
		[
			"a file that is not there",
			use("with: {file: t.yaml}"),
			sub,
			["dir/main.yaml:4:36 steps.s.with.file: there is no file `t.yaml` (did you mean `s.yaml`?)"],
		],
		[
			"a file outside",
			use("with: {file: ../s.yaml}"),
			sub,
			[
				"dir/main.yaml:4:36 steps.s.with.file: `../s.yaml` lies outside the folder of the pipeline file (name a file in that folder)",
			],
		],
		[
			"wrong parameters and inputs",
			use("with: {file: s.yaml, params: {m: 1}, inputs: {dat: s.o}}"),
			sub,
			[
				"dir/main.yaml:4:3 steps.s: s.yaml wants the parameter `n` (give it under `with.params`)",
				"dir/main.yaml:4:3 steps.s: s.yaml takes the input `data` (give it under `with.inputs`)",
				"dir/main.yaml:4:53 steps.s.with.params.m: s.yaml has no parameter `m` (known: n)",
				"dir/main.yaml:4:69 steps.s.with.inputs.dat: s.yaml takes no input `dat` (did you mean `data`?)",
				"dir/main.yaml:4:74 steps.s.with.inputs.dat: `s` needs itself (remove it)",
			],
		],
		[
			"a value that does not fit",
			use("with: {file: s.yaml, params: {n: 1}, inputs: {data: a.o}}", "  a: {run: x, outputs: [o]}"),
			sub,
			["dir/main.yaml:4:53 steps.s.with.params.n: `n` of s.yaml: expected at least 2, found 1"],
		],
		[
			"a parameter whose default does not fit",
			use("with: {file: s.yaml, params: {n: '${{ params.n }}'}, inputs: {data: a.o}}", "  a: {run: x, outputs: [o]}"),
			sub,
			[
				"dir/main.yaml:4:53 steps.s.with.params.n: the default of `n` is none that `n` takes: expected at least 2, found 1",
			],
		],
		[
			"a parameter of another type",
			use("with: {file: s.yaml, params: {n: '${{ params.t }}'}, inputs: {data: a.o}}", "  a: {run: x, outputs: [o]}"),
			sub,
			["dir/main.yaml:4:53 steps.s.with.params.n: expected type integer, but `t` is of type string"],
		],
		[
			"text for a number",
			use("with: {file: s.yaml, params: {n: '1${{ params.t }}'}, inputs: {data: a.o}}", "  a: {run: x, outputs: [o]}"),
			sub,
			["dir/main.yaml:4:53 steps.s.with.params.n: expected type integer, found text with expressions in it"],
		],
		[
			"steps in parameters",
			use(
				"with: {file: s.yaml, params: {n: '${{ steps.a.state }}'}, inputs: {data: a.o}}",
				"  a: {run: x, outputs: [o]}",
			),
			sub,
			[
				"dir/main.yaml:4:53 steps.s.with.params.n: expected type integer, found text with expressions in it",
				"dir/main.yaml:4:57 steps.s.with.params.n: a step has no meaning here (name parameters, `params.<name>`)",
			],
		],
		[
			"an output that it does not give, and a step inside",
			use(
				"with: {file: s.yaml, params: {n: 2}, inputs: {data: a.o}}",
				"  a: {run: x, outputs: [o]}\n  b: {run: x, inputs: {i: s.oo}, if: steps.s.a.state == 'failed' || steps.s.metrics.m > 1}",
			),
			sub,
			[
				"dir/main.yaml:6:27 steps.b.inputs.i: step `s` has no output `oo` (did you mean `o`?)",
				"dir/main.yaml:6:38 steps.b.if: no step is called `s.a` (take an output of `s` itself)",
				"dir/main.yaml:6:69 steps.b.if: `s` is a `pipeline` step, and reports no metrics (name a step with `run`)",
			],
		],
		[
			"a mistake in the other file, told once",
			use("with: {file: s.yaml}", "  t: {uses: pipeline, with: {file: s.yaml}}\n  u: {run: x, inputs: {i: s.o}}"),
			{ "s.yaml": "steps:\n  a: {rum: x}" },
			[
				"dir/s.yaml:2:3 steps.a: expected `run` or `uses` (`uses: noop` runs nothing)",
				"dir/s.yaml:2:7 steps.a.rum: `rum` is no key here (did you mean `run`?)",
				"dir/main.yaml:6:27 steps.u.inputs.i: step `s` has no output `o` (there is none)",
			].sort(),
		],
		[
			"keys of a submitted file",
			use("with: {file: s.yaml}"),
			{ "s.yaml": "timeout: 1h\nconcurrency: x\nsteps: {a: {run: x}}\non_failure: {b: {run: x}}" },
			[
				"dir/s.yaml:1:1 timeout: `timeout` has no meaning in a file that another one uses (put it into the file that is submitted)",
				"dir/s.yaml:2:1 concurrency: `concurrency` has no meaning in a file that another one uses (put it into the file that is submitted)",
				"dir/s.yaml:4:1 on_failure: `on_failure` has no meaning in a file that another one uses (put it into the file that is submitted)",
			],
		],
		[
			"inputs nobody gives",
			"name: p\ninputs: [data]\nsteps: {a: {run: x}}",
			{},
			["dir/main.yaml:2:1 inputs: `inputs` are given by a pipeline that uses this file (submit that one)"],
		],
		[
			"names that mean something else",
			use("with: {file: s.yaml, inputs: {i: a.o}}", "  a: {run: x, outputs: [o]}"),
			{ "s.yaml": "inputs: [i]\nsteps:\n  0: {run: x}\n  metrics: {run: x}\n  inputs: {run: x}" },
			[
				"dir/s.yaml:3:3 steps.0: `0` has another meaning in a file that another one uses (choose another name)",
				"dir/s.yaml:4:3 steps.metrics: `metrics` has another meaning in a file that another one uses (choose another name)",
				"dir/s.yaml:5:3 steps.inputs: `inputs` has another meaning in a file that another one uses (choose another name)",
			],
		],
		[
			"an input that the file does not take",
			use("with: {file: s.yaml, inputs: {data: a.o}}", "  a: {run: x, outputs: [o]}"),
			{ "s.yaml": "inputs: [data]\nsteps: {a: {run: x, inputs: {d: inputs.dat}}}" },
			["dir/s.yaml:2:33 steps.a.inputs.d: `dat` is no input of this file (did you mean `data`?)"],
		],
		[
			"files in a circle",
			use("with: {file: s.yaml}"),
			{
				"s.yaml": "steps: {a: {uses: pipeline, with: {file: t.yaml}}}",
				"t.yaml": "steps: {a: {uses: pipeline, with: {file: s.yaml}}}",
			},
			[
				"dir/t.yaml:1:42 steps.a.with.file: these files use each other: s.yaml → t.yaml → s.yaml (a file can't be a part of itself)",
			],
		],
		[
			"a file that uses itself",
			use("with: {file: main.yaml}"),
			{},
			[
				"dir/main.yaml:4:36 steps.s.with.file: these files use each other: main.yaml → main.yaml (a file can't be a part of itself)",
			],
		],
		[
			"keys of other steps",
			use("matrix: {x: [1]}, timeout: 1h, with: {file: s.yaml}"),
			{ "s.yaml": "steps: {a: {run: x}}" },
			[
				"dir/main.yaml:4:23 steps.s.matrix: `matrix` has no effect in a `pipeline` step (remove it)",
				"dir/main.yaml:4:41 steps.s.timeout: `timeout` has no effect in a `pipeline` step (remove it)",
			],
		],
		[
			"in on_failure",
			"name: p\nsteps: {a: {run: x}}\non_failure: {s: {uses: pipeline, with: {file: s.yaml}}}",
			{ "s.yaml": "steps: {a: {run: x}}" },
			["dir/main.yaml:3:14 on_failure.s: `uses: pipeline` has no meaning in `on_failure` (write its steps here)"],
		],
		["an empty file", use("with: {file: s.yaml}"), { "s.yaml": "" }, ["dir/s.yaml:1:1 : the file is empty"]],
	])("%s", (_name, text, files, expected) => {
		const found = problemsOf(text, files).toSorted();
		expect(found).toHaveLength(expected.length);
		for (const [index, each] of expected.toSorted().entries()) expect(found[index]).toContain(each);
	});

	const chain = (length: number): Files =>
		Object.fromEntries(
			Array.from({ length }, (_, index) => [
				`f${index}.yaml`,
				index + 1 < length ? `steps: {a: {uses: pipeline, with: {file: f${index + 1}.yaml}}}` : "steps: {a: {run: x}}",
			]),
		);

	test("eight files in each other are enough", () => {
		expect(problemsOf(use("with: {file: f0.yaml}"), chain(8))).toEqual([]);
		const [found] = problemsOf(use("with: {file: f0.yaml}"), chain(9));
		expect(found).toContain("more than 8 files in each other");
		// Not even by way of a file that was read before.
		const twice = problemsOf(use("with: {file: f3.yaml}", "  t: {uses: pipeline, with: {file: f0.yaml}}"), chain(9));
		expect(twice.some((problem) => problem.includes("more than 8 files in each other"))).toBe(true);
	});

	test("files that multiply are stopped before they do", () => {
		const files: Files = { "f0.yaml": "steps: {a: {run: x, matrix: {i: [1, 2, 3, 4, 5, 6, 7, 8, 9]}}}" };
		for (let depth = 1; depth < 8; depth++) {
			const uses = Array.from(
				{ length: 20 },
				(_, index) => `s${index}: {uses: pipeline, with: {file: f${depth - 1}.yaml}}`,
			);
			files[`f${depth}.yaml`] = `steps: {${uses.join(", ")}}`;
		}
		expect(problemsOf(use("with: {file: f7.yaml}"), files)).toEqual([
			"dir/main.yaml:4:3 steps.s: more than 10000 steps once its file is expanded (split the pipeline)",
		]);
	});

	test("texts that multiply are stopped before they do", () => {
		const long = "x".repeat(100_000);
		const files = {
			"s.yaml": `steps: {${Array.from({ length: 50 }, (_, index) => `a${index}: {uses: pipeline, with: {file: t.yaml}}`).join(", ")}}`,
			"t.yaml": `steps: {a: {run: ${long}}, b: {run: ${long}}}`,
		};
		expect(problemsOf(use("with: {file: s.yaml}"), files)).toEqual([
			"dir/main.yaml:4:3 steps.s: more than 6 MiB once defaults and aliases are filled in (keep long texts in files of their own)",
		]);
	});

	test("names grow only so long", () => {
		const name = "n".repeat(60);
		const files = {
			"a.yaml": `steps: {${name}: {uses: pipeline, with: {file: b.yaml}}}`,
			"b.yaml": `steps: {${name}: {uses: pipeline, with: {file: c.yaml}}}`,
			"c.yaml": `steps: {${name}: {run: x}}`,
		};
		const text = `name: p\nsteps: {${name}: {uses: pipeline, with: {file: a.yaml}}}`;
		expect(problemsOf(text, files)).toEqual([expect.stringContaining("has more than 200 characters")]);
	});

	test("too many files", () => {
		const files = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`${index}.yaml`, ""]));
		expect(problemsOf(use("needs: []"), files)).toEqual([
			"dir/main.yaml:1:1 : sub-pipelines are more than 64 files or 2 MiB (use fewer)",
		]);
		expect(problemsOf(use("needs: []"), { "a.yaml": "x".repeat(3 * 1024 * 1024) })).toHaveLength(1);
	});
});

describe("files that a pipeline names", () => {
	it("are found in steps, without doubles, inside the folder", () => {
		const text = `name: p
steps:
  a: {uses: pipeline, with: {file: ./a.yaml}}
  b: {uses: pipeline, with: {file: x/../a.yaml}}
  c: {uses: pipeline, with: {file: x/c.yaml}}
  d: {uses: pipeline, with: {file: ../d.yaml}}
  e: {uses: pipeline, with: {file: /etc/passwd}}
  f: {run: x, with: {file: f.yaml}}
  g: {uses: pipeline, with: {file: [g.yaml]}}
`;
		expect(referencedFiles(text)).toEqual(["a.yaml", "x/c.yaml"]);
		expect(referencedFiles(text, "y/z.yaml")).toEqual(["y/a.yaml", "y/x/c.yaml", "d.yaml"]);
	});

	it.each(["", "a: [", "- a", "steps: 1", "steps: {a: 1}", "steps: {a: {uses: pipeline}}"])("are none in %j", (text) =>
		expect(referencedFiles(text)).toEqual([]),
	);

	it("never lie outside the folder", () => {
		const part = fc.constantFrom("..", ".", "a", "b.yaml", "", "~", "...", "C:", "\\", "a b");
		fc.assert(
			fc.property(fc.array(part), fc.array(part, { maxLength: 3 }), (named, from) => {
				const path = resolveFile(from.filter((each) => each === "a").join("/"), named.join("/"));
				if (path === null) return;
				expect(path).not.toMatch(/^\/|^$|\\|^[A-Za-z]:/);
				expect(path.split("/")).not.toContain("..");
			}),
		);
	});
});
