// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests

import { describe, expect, it, test } from "vitest";
import { parsePipeline } from "#shared/pipeline/parse.ts";

type Files = Record<string, string>;

/** "file:line:column path: message (hint)" */
const problemsOf = (text: string, files: Files): string[] =>
	parsePipeline(text, "dir/main.yaml", files).problems.map(
		({ file, line, column, path, message, hint }) =>
			`${file}:${line}:${column} ${path}: ${message}${hint ? ` (${hint})` : ""}`,
	);

describe("problems of sub-pipelines", () => {
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
