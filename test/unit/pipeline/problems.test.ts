// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests

import { expect, test } from "vitest";
import { parsePipeline } from "#shared/pipeline/parse.ts";
import { problemsOf } from "./parsed.ts";

test.each<[string, string[]]>([
	["", ["1:1 : the file is empty (it needs `name` and `steps`)"]],
	["# nothing\n", ["1:1 : the file is empty (it needs `name` and `steps`)"]],
	["hello", ["1:1 : expected a mapping with `name` and `steps`, found `hello`"]],
	["- a", ["1:1 : expected a mapping with `name` and `steps`, found a list"]],
	["{}", ["1:1 : expected `name`, the pipeline's name", "1:1 : expected `steps`"]],
	["name: p\nsteps: {}", ["2:8 steps: expected at least one step, found an empty mapping"]],
	["name: p\nsteps:", ["2:7 steps: expected a mapping of steps, found nothing"]],
	["name: p\nsteps: [a]", ["2:8 steps: expected a mapping of steps, found a list"]],
	[
		"name: p\nsteps: {a: {run: x}",
		["2:20 : not valid YAML: Flow map in block collection must be sufficiently indented and end with a }"],
	],
	[
		"name: p\nname: q\nsteps: {a: {run: x}, a: {run: y}}",
		["2:1 name: `name` is given twice (keep one of them)", "3:22 steps.a: `a` is given twice (keep one of them)"],
	],
	[
		"name: p\nsteps: {a: *x}",
		[
			"2:12 steps.a: no anchor &x stands before this alias",
			"2:12 steps.a: expected a mapping with `run` or `uses`, found nothing",
		],
	],
	["name: p\n__proto__: {}\nsteps: {a: {run: x}}", ["2:1 __proto__: expected a plain word as key"]],
	['name: p\nsteps: {a: {run: "x\\0"}}', ["2:18 steps.a.run: holds a NUL character, which no program can be given"]],
	[
		"name: p\nsteps:\n  a:\n    run: echo a: b",
		["4:10 : not valid YAML: text that holds `: ` must be quoted, or stand below a `|`"],
	],
	["name: p\n---\nname: q", ["2:1 : not valid YAML: more than one document in a file"]],
	[
		"name: a b\nsteps: {a: {run: x}}",
		[
			"1:7 name: expected the pipeline's name: letters, digits, `-` and `_`, at most 63, the first a letter or digit, found `a b`",
		],
	],
	[
		"name: 5\nsteps: {a: {run: x}}",
		[
			"1:7 name: expected the pipeline's name: letters, digits, `-` and `_`, at most 63, the first a letter or digit, found `5` (quote it to make it text)",
		],
	],
	[
		"name: p\nstep: 1\nretries: 1\nsteps: {a: {run: x}}",
		[
			"2:1 step: `step` is no key here (did you mean `steps`?)",
			"3:1 retries: `retries` is no key here (put it under `defaults`)",
		],
	],
	[
		"name: p\ndefaults: {run: x}\nsteps: {a: {run: x}}",
		["2:12 defaults.run: `run` is no key here (it belongs to a step)"],
	],
	[
		"name: p\ndefaults: {env: {A: '${{ matrix.x }}'}}\nsteps: {a: {run: x}}",
		["2:22 defaults.env.A: `x` is no axis of this step's matrix (there is none)"],
	],
])("file %j", (text, expected) => expect(problemsOf(text)).toEqual(expected));

test.each<[string, string[]]>([
	["x:", ["expected a default value, or a mapping with `type`, found nothing"]],
	["x: .inf", ["expected a number that can be held exactly, found `.inf` (quote it to make it text)"]],
	[
		"x: 12345678901234567890",
		["expected a number that can be held exactly, found `12345678901234567890` (quote it to make it text)"],
	],
	["x: {min: 1}", ["expected `type` or `default` (types are string, integer, number, boolean)"]],
	["x: {type: int}", ["expected one of string, integer, number, boolean, found `int`"]],
	["x: {type: strng}", ["expected one of string, integer, number, boolean, found `strng` (did you mean `string`?)"]],
	["x: {type: integer, default: '4'}", ["expected a whole number, found string `4`"]],
	["x: {default: 1, min: 2}", ["expected at least 2, found 1"]],
	["x: {default: 3, max: 2}", ["expected at most 2, found 3"]],
	["x: {default: 3, min: 5, max: 2}", ["expected at least `min`, 5, found 2"]],
	["x: {default: a, min: 5}", ["`min` has no meaning for type string"]],
	["x: {default: c, choices: [a, b, a]}", ["expected one of a, b, found `c`", "`a` is given twice"]],
	["x: {type: string, choices: []}", ["expected a list of at least one value, found an empty list"]],
	["x: {type: integer, choices: [1, b]}", ["expected a whole number, found string `b`"]],
	["x: {type: string, defualt: a}", ["`defualt` is no key here (did you mean `default`?)"]],
	[
		"a b: 1",
		[
			"`a b` is no name of a parameter (expected letters, digits, `-` and `_`, at most 63, the first a letter or digit)",
		],
	],
])("parameter %j", (text, expected) => {
	const found = problemsOf(`name: p\nparams: {${text}}\nsteps: {a: {run: x}}`);
	expect(found.map((problem) => problem.replace(/^\S+ \S+(?: b)?: /, ""))).toEqual(expected);
});

test.each<[string, string[]]>([
	["timeout: soon", ["2:10 timeout: expected a duration up to 365d"]],
	[
		"concurrency: {group: 'g-${{ matrix.x }}'}",
		["2:25 concurrency.group: `x` is no axis of this step's matrix (there is none)"],
	],
	["concurrency: {group: g, cancel_in_progress: maybe}", ["expected true or false, found `maybe`"]],
	["cache: true", ["2:1 cache: `cache` is no key here (put it under `defaults`)"]],
	["if: true", ["2:1 if: `if` is no key here (it belongs to a step)"]],
	[
		"defaults: {concurrency: x}",
		["2:12 defaults.concurrency: `concurrency` is no key here (it stands at the top of the file)"],
	],
	[
		"defaults: {on_failure: x}",
		["2:12 defaults.on_failure: `on_failure` is no key here (it stands at the top of the file)"],
	],
	[
		"defaults: {env: {A: '${{ steps.a.state }}'}}",
		["2:22 defaults.env.A: a step has no meaning here (name parameters, `params.<name>`)"],
	],
	["on_failure: tell", ["2:13 on_failure: expected a mapping of steps, found `tell`"]],
	["on_failure: {a: {run: x}}", ["2:14 on_failure.a: `a` is a step under `steps` already (choose another name)"]],
	["on_failure: {a: {run: x, outputs: [o]}, b: {run: x, needs: a}}", ["`a` is a step under `steps` already"]],
	["inputs: [d]", ["2:1 inputs: `inputs` are given by a pipeline that uses this file (submit that one)"]],
	["on_failure: {b: {run: x, needs: c}}", ["2:33 on_failure.b.needs: no step is called `c` (known: a, b)"]],
	["outputs: {o: a.o}", ["2:14 outputs.o: step `a` has no output `o` (there is none)"]],
	["outputs: [o]", ["2:10 outputs: expected a mapping such as {model: train.model}, found a list"]],
	[
		"params: {x: {type: string, description: 5}}",
		["2:41 params.x.description: expected a description, found `5` (quote it to make it text)"],
	],
])("head %j", (line, expected) => {
	const found = problemsOf(`name: p\n${line}\nsteps: {a: {run: x}}`);
	expect(found).toHaveLength(expected.length);
	for (const [index, problem] of found.entries()) expect(problem).toContain(expected[index]);
});

test("steps of `on_failure` are not for others to wait for, and few", () => {
	expect(problemsOf("name: p\nsteps: {a: {run: x, needs: b}}\non_failure: {b: {run: x}}")).toEqual([
		"2:28 steps.a.needs: `b` runs only when the run has failed, so nothing outside `on_failure` can wait for it (move it to `steps`)",
	]);
	const many = Array.from({ length: 21 }, (_, index) => `b${index}: {run: x}`).join(", ");
	expect(problemsOf(`name: p\nsteps: {a: {run: x}}\non_failure: {${many}}`)).toEqual([
		"3:1 on_failure: more than 20 steps (one step can do more than one thing)",
	]);
});

const others = [
	"  prepare: {run: x, outputs: [dataset, test]}",
	"  train: {run: x, matrix: {i: [1, 2]}, outputs: [model]}",
	"  best: {uses: select, with: {from: train, metric: m}}",
	"  idle: {uses: noop}",
].join("\n");

test.each<[string, string[]]>([
	["{run: x, needs: [prepar]}", ["4:23 steps.a.needs.0: no step is called `prepar` (did you mean `prepare`?)"]],
	[
		"{run: x, inputs: {d: prepare.datset}}",
		["4:27 steps.a.inputs.d: step `prepare` has no output `datset` (did you mean `dataset`?)"],
	],
	["{run: x, inputs: {d: prepare.zzzzzz}}", ["step `prepare` has no output `zzzzzz` (known: dataset, test)"]],
	["{run: x, inputs: {d: idle.out}}", ["step `idle` has no output `out` (there is none)"]],
	["{run: x, inputs: {d: best.modle}}", ["step `best` has no output `modle` (did you mean `model`?)"]],
	[
		"{run: x, inputs: {d: train.model}}",
		[
			"`train` is a matrix, so `train.model` is one for each of its cells (choose a cell by a step with `uses: select`, and take that step's output)",
		],
	],
	["{run: x, if: steps}", ["`steps` is nothing that is known here (expected params.<name>,"]],
	[
		"{run: x, if: steps.train.state == 'succeeded' && !('faild' == steps.prepare.state)}",
		["4:58 steps.a.if: no step is ever `faild` (did you mean `failed`?)"],
	],
	["{run: x, if: prepare.state}", ["`prepare` is nothing that is known here"]],
	[
		"{run: x, if: steps.prepar.outputs.dataset}",
		["4:19 steps.a.if: no step is called `prepar` (did you mean `prepare`?)"],
	],
	["{run: x, if: steps.prepare.outputs.datset}", ["step `prepare` has no output `datset` (did you mean `dataset`?)"]],
	["{run: x, if: steps.train.outputs.model}", ["`train` is a matrix, so `train.model` is one for each of its cells"]],
	[
		"{run: x, if: steps.train.metrics.loss < 1}",
		[
			"`train` is a matrix, whose cells each have metrics of their own (choose a cell by a step with `uses: select`, and take that step's metrics)",
		],
	],
	[
		"{run: x, if: steps.idle.metrics.loss < 1}",
		["`idle` is a `noop` step, and reports no metrics (name a step with `run`)"],
	],
	["{run: '${{ steps.train.outputs.model }}'}", ["`train` is a matrix, so `train.model` is one for each of its cells"]],
	[
		"{run: '${{ steps.nope.state }} ${{ step.train.state }}'}",
		["no step is called `nope`", "expected `${{ params.<name> }}`"],
	],
	["{run: x, matrix: {x: train.model}}", ["`train` is a matrix, so `train.model` is one for each of its cells"]],
	["{run: x, matrix: {x: prepare.datset}}", ["step `prepare` has no output `datset` (did you mean `dataset`?)"]],
	["{uses: select}", ["steps.a: expected `with`, a mapping with `from`"]],
	[
		"{uses: select, with: {form: train, metric: m, mode: best}}",
		[
			"4:3 steps.a: expected `with.from`",
			"`form` is no key here (did you mean `from`?)",
			"steps.a.with.mode: expected one of max, min, found `best`",
		],
	],
	[
		"{uses: select, with: {from: trian, metric: m}}",
		["steps.a.with.from: no step is called `trian` (did you mean `train`?)"],
	],
	[
		"{uses: select, with: {from: best, metric: m}}",
		["steps.a.with.from: `best` is a `select` step, and gives nothing to choose from (name a step with `run`)"],
	],
	[
		"{uses: deploy, with: {model: train.model, replicas: 0, golden: nope.x}}",
		[
			"4:3 steps.a: expected `with.name`",
			"steps.a.with.model: `train` is a matrix",
			"steps.a.with.replicas: expected a whole number from 1 to 1000, found `0`",
			"steps.a.with.golden: no step is called `nope`",
		],
	],
	[
		"{uses: deploy, with: {model: best.model, name: '${{ params.epochs }}'}}",
		[
			"steps.a.with.name: an expression has no meaning here (it is read in `run`, `env`, `image`, `message` and `group`)",
		],
	],
	[
		"{uses: deploy, retries: 2, with: {model: best.model, name: d}}",
		["steps.a.retries: `retries` has no effect in a `deploy` step (remove it)"],
	],
])("among others, %j", (body, expected) => {
	const found = problemsOf(`name: p\nparams: {epochs: 1}\nsteps:\n  a: ${body}\n${others}\n`);
	expect(found).toHaveLength(expected.length);
	for (const [index, problem] of found.entries()) expect(problem).toContain(expected[index]);
});

test.each<[string, string[]]>([
	[
		"a: {run: x, needs: b}, b: {run: x, needs: a}",
		["2:28 steps.a.needs: these steps wait for each other: a → b → a (each needs the next; remove one of these needs)"],
	],
	[
		"z: {run: x, needs: c}, a: {run: x, needs: b}, b: {run: x, needs: c}, c: {run: x, needs: [a]}",
		[
			"2:51 steps.a.needs: these steps wait for each other: a → b → c → a (each needs the next; remove one of these needs)",
		],
	],
	[
		"a: {run: x, needs: b}, b: {run: x, needs: a}, c: {run: x, needs: d}, d: {run: x, needs: c}, e: {run: x, needs: [a, c]}",
		[
			"2:28 steps.a.needs: these steps wait for each other: a → b → a (each",
			"2:74 steps.c.needs: these steps wait for each other: c → d → c (each",
		],
	],
	[
		"a: {run: x, outputs: [o], inputs: {i: b.o}}, b: {uses: select, with: {from: a, metric: m}}",
		["2:47 steps.a.inputs.i: these steps wait for each other: a → b → a (each"],
	],
	["a: {run: x, needs: [b]}, b: {run: x, needs: [b]}", ["2:54 steps.b.needs.0: `b` needs itself (remove it)"]],
])("circles: %s", (steps, expected) => {
	const found = problemsOf(`name: p\nsteps: {${steps}}`);
	expect(found).toHaveLength(expected.length);
	for (const [index, problem] of found.entries()) expect(problem).toContain(expected[index]);
});

test("a mistake in one step is not told again by those that use it", () => {
	expect(
		problemsOf(
			"name: p\nsteps: {a: {uses: nope}, b: {run: x, inputs: {i: a.out}}, c: {run: x, outputs: {o: /o}}, d: {run: x, inputs: {i: c.o}}}",
		),
	).toEqual([
		"2:19 steps.a.uses: expected one of select, deploy, approve, pipeline, noop, found `nope` (did you mean `noop`?)",
		"2:84 steps.c.outputs.o: expected a relative path that stays inside its folder, found `/o` (use `/` between names, no `..`)",
	]);
});

test("too much is refused", () => {
	const messages = (text: string) => parsePipeline(text, "p.yaml").problems.map(({ message }) => message);
	const axis = `[${Array.from({ length: 101 }, (_, value) => value).join(", ")}]`;
	expect(messages(`name: p\nsteps: {a: {run: x, matrix: {x: ${axis}, y: ${axis}}}}`)).toEqual([
		"more than 10000 steps once each matrix is expanded",
	]);
	expect(messages(`name: p # ${"x".repeat(256 * 1024)}`)).toEqual(["larger than 256 KiB"]);
	expect(messages(`${"é".repeat(128 * 1024)}x`)).toEqual(["larger than 256 KiB"]);
	const laughs = Array.from(
		{ length: 9 },
		(_, index) => `l${index + 1}: &l${index + 1} [${Array(9).fill(`*l${index}`).join(", ")}]`,
	);
	expect(messages(`l0: &l0 [x, x, x, x, x, x, x, x, x]\n${laughs.join("\n")}`)).toEqual([
		"more than 200000 values once aliases are expanded",
	]);
	const long = "x".repeat(100_000);
	expect(messages(`name: p\nlong: &long ${long}\nmore: [${Array(20).fill("*long").join(", ")}]`)).toEqual([
		"more than 1048576 characters once aliases are expanded",
	]);
	const many = Array.from({ length: 100 }, (_, index) => `  s${index}: {run: x}`).join("\n");
	expect(messages(`name: p\ndefaults: {env: {LONG: ${long}}}\nsteps:\n${many}`)).toEqual([
		"more than 6 MiB once defaults and aliases are filled in",
	]);
	expect(messages(`name: ${"[".repeat(100)}${"]".repeat(100)}`)).toEqual(["nested more than 32 levels deep"]);
	expect(messages(`${"[".repeat(100_000)}`)).toContain("not valid YAML: nested more than 32 levels deep");
	const flood = messages(
		`name: p\nsteps: {a: {run: x}}\n${Array.from({ length: 500 }, (_, index) => `key${index}: 1`).join("\n")}`,
	);
	expect(flood).toHaveLength(101);
	expect(flood.at(-1)).toBe("and 400 more problems");
});
