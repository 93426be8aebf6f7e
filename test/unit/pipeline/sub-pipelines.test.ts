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
