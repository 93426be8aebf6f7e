// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests

import { expect, test } from "vitest";
import { parsePipeline } from "#shared/pipeline/parse.ts";

/** "line:column path: message (hint)" */
const problemsOf = (text: string): string[] =>
	parsePipeline(text, "p.yaml").problems.map(
		({ line, column, path, message, hint }) => `${line}:${column} ${path}: ${message}${hint ? ` (${hint})` : ""}`,
	);

const head = "name: p\nparams: {epochs: 1}\nsteps:\n";

/** The body of step `a`, which stands from column 6 of line 4 on. */
const inStep = (body: string, others = ""): string[] => problemsOf(`${head}  a: ${body}\n${others}`);

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
	["x", ["4:6 steps.a: expected a mapping with `run` or `uses`, found `x`"]],
	["{needs: []}", ["4:3 steps.a: expected `run` or `uses` (`uses: noop` runs nothing)"]],
	["{run: x, uses: noop}", ["4:15 steps.a.uses: `run` and `uses` exclude each other (remove one of them)"]],
	["{run: }", ["4:12 steps.a.run: expected a command, found nothing"]],
	[
		"{uses: selct}",
		[
			"4:13 steps.a.uses: expected one of select, deploy, approve, pipeline, noop, found `selct` (did you mean `select`?)",
		],
	],
	["{run: x, need: [b]}", ["4:15 steps.a.need: `need` is no key here (did you mean `needs`?)"]],
	["{run: x, depends_on: [b]}", ["4:15 steps.a.depends_on: `depends_on` is no key here (did you mean `needs`?)"]],
	[
		"{run: x, checkpoint: true}",
		[
			"4:15 steps.a.checkpoint: `checkpoint` is understood but not carried out by this release (a retried step starts from its beginning)",
		],
	],
	["{run: x, nodes: 65}", ["4:22 steps.a.nodes: expected a whole number from 1 to 64, found `65`"]],
	["{uses: noop, nodes: 2}", ["4:19 steps.a.nodes: `nodes` has no effect in a `noop` step (remove it)"]],
	["{uses: noop, image: a}", ["4:19 steps.a.image: `image` has no effect in a `noop` step (remove it)"]],
	["{run: x, container: a}", ["4:15 steps.a.container: `container` is no key here (did you mean `image`?)"]],
	["{run: x, image: '${{ params.tag }}'}", ["4:23 steps.a.image: `tag` is no parameter (known: epochs)"]],
	[
		"{run: x, python: r.txt, image: a}",
		["4:15 steps.a.python: `image` and `python` exclude each other (packages belong into the image)"],
	],
	["{run: x, python: r.txt, node: .}", ["4:30 steps.a.node: `python` and `node` exclude each other (use one of them)"]],
	[
		"{run: x, python: 3.12}",
		[
			'4:23 steps.a.python: expected a file of requirements, or a mapping with requirements, packages and version, found `3.12` (write {version: "3.12"})',
		],
	],
	["{run: x, python: {}}", ["found an empty mapping"]],
	["{run: x, python: ../r.txt}", ["expected a relative path that stays inside its folder, found `../r.txt`"]],
	["{run: x, python: .}", ["expected a file of the code, found `.`"]],
	[
		"{run: x, python: {packages: [-e., numpy], verison: 3, version: latest}}",
		[
			"4:35 steps.a.python.packages.0: expected a package, such as numpy==2.1.0, found `-e.` (other things belong into the file of requirements)",
			"`verison` is no key here (did you mean `version`?)",
			"expected a version such as 3.12, found `latest`",
		],
	],
	["{run: x, conda: {}}", ["expected the path of an environment file, or a mapping with file, found an empty mapping"]],
	["{run: x, conda: [a]}", ["expected the path of an environment file, or a mapping with file, found a list"]],
	[
		"{run: x, node: {file: .}}",
		["expected the path of a folder with package-lock.json, or a mapping with folder", "`file` is no key here"],
	],
	[
		"{run: x, resources: [{cpu: 1}, {cpu: 2}]}",
		[
			"4:26 steps.a.resources: a list of alternative `resources` is understood but not carried out by this release (choose one of them)",
		],
	],
	["{run: x, with: {a: 1}}", ["4:15 steps.a.with: `with` has no effect in a step with `run` (remove it)"]],
	["{uses: noop, gates: [a > 1]}", ["4:19 steps.a.gates: `gates` has no effect in a `noop` step (remove it)"]],
	[
		"{run: x, needs: [b c, bb]}",
		[
			"4:23 steps.a.needs.0: expected the name of a step: letters, digits, `-` and `_`, at most 63, the first a letter or digit, found `b c`",
			"4:28 steps.a.needs.1: no step is called `bb` (known: a)",
		],
	],
	["{run: x, needs: a}", ["4:22 steps.a.needs: `a` needs itself (remove it)"]],
	[
		"{run: x, inputs: {d: prepare}}",
		["4:27 steps.a.inputs.d: expected a step's output, `step.output`, found `prepare`"],
	],
	["{run: x, inputs: {d: a.b.c}}", ["4:27 steps.a.inputs.d: expected a step's output, `step.output`, found `a.b.c`"]],
	[
		"{run: x, outputs: [../x, model.onnx, m, m]}",
		[
			"4:25 steps.a.outputs.0: expected the name of an output, found `../x` (to name a path, write {name: ../x})",
			"4:31 steps.a.outputs.1: expected the name of an output, found `model.onnx` (to name a path, write {name: model.onnx})",
			"4:46 steps.a.outputs.3: `m` is given twice (remove one of them)",
		],
	],
	[
		"{run: x, outputs: {m: ../m, n: /n, o: a/../../o, p: ., q: 'C:\\q'}}",
		["m", "n", "o", "p", "q"].map((name, index) => `4:${[28, 37, 44, 58, 64][index]} steps.a.outputs.${name}: `),
	],
	[
		"{run: x, workdir: ../..}",
		[
			"4:24 steps.a.workdir: expected a relative path that stays inside its folder, found `../..` (use `/` between names, no `..`)",
		],
	],
	[
		"{run: x, env: {RUNMESH_RUN: 1, 1A: 2, B: [1], C: }}",
		[
			"4:21 steps.a.env.RUNMESH_RUN: `RUNMESH_RUN` is set by runmesh itself (choose a name without RUNMESH_)",
			"4:37 steps.a.env.1A: `1A` is no name of a variable (expected letters, digits and `_`, no digit first)",
			'4:47 steps.a.env.B: expected text, a number, true or false, found a list (write "" for an empty one)',
			'4:55 steps.a.env.C: expected text, a number, true or false, found nothing (write "" for an empty one)',
		],
	],
	[
		"{run: x, resources: {cpu: lots, memory: 512, gpu: 65, disk: 1, dsk: 1Gi, license.: 1, license.matlab: -1}}",
		[
			"4:32 steps.a.resources.cpu: expected cores, such as 1, 0.5 or 500m, found `lots`",
			"4:46 steps.a.resources.memory: expected a size with its unit, such as 512Mi, 1Gi or 1GB, found `512`",
			"4:56 steps.a.resources.gpu: expected a count up to 64, model:memory:count, or a mapping, found `65`",
			"4:66 steps.a.resources.disk: expected a size with its unit, such as 512Mi, 1Gi or 1GB, found `1`",
			"4:69 steps.a.resources.dsk: `dsk` is no key here (did you mean `disk`?)",
			"4:79 steps.a.resources.license.: `license.` is no name of a resource (expected words with dots between them, such as license.matlab, at most 63 characters)",
			"4:108 steps.a.resources.license.matlab: expected a whole number from 0 to 1000000, found `-1`",
		],
	],
	["{run: x, retries: -1}", ["4:24 steps.a.retries: expected a whole number from 0 to 100, found `-1`"]],
	[
		"{run: x, retries: {on: [eror], delay: 10, backoff: 0}}",
		[
			"4:24 steps.a.retries: expected `max`, how many retries there may be",
			"4:30 steps.a.retries.on.0: expected one of error, timeout, oom, output, input, launch, lost, gate, disk, serving, setup, or an exit code from 1 to 255, found `eror` (did you mean `error`?)",
			"4:44 steps.a.retries.delay: expected a duration up to 365d, such as 500ms, 10s, 30m or 2h, found `10`",
			"4:57 steps.a.retries.backoff: expected a factor from 1 to 100, found `0`",
		],
	],
	[
		"{run: x, timeout: 2}",
		["4:24 steps.a.timeout: expected a duration up to 365d, such as 500ms, 10s, 30m or 2h, found `2`"],
	],
	["{run: x, priority: 101}", ["4:25 steps.a.priority: expected a whole number from 0 to 100, found `101`"]],
	[
		"{run: x, gates: [accuracy > 5ms]}",
		[
			"4:23 steps.a.gates.0: expected `metric operator number`, such as `accuracy >= 0.95`, found `accuracy > 5ms` (operators are >= <= > < == !=)",
		],
	],
	["{run: x, shell: fish}", ["4:22 steps.a.shell: expected one of sh, bash, found `fish`"]],
	[
		"{run: x, shell: []}",
		["4:22 steps.a.shell: expected an interpreter and its flags, such as [python3, -c], found an empty list"],
	],
	[
		"{run: x, labels: {zone: '${{ params.epochs }}'}}",
		[
			"4:31 steps.a.labels.zone: an expression has no meaning here (it is read in `run`, `env`, `image`, `message` and `group`)",
		],
	],
	[
		"{run: x, matrix: {}}",
		["4:23 steps.a.matrix: expected at least one axis, found an empty mapping (remove `matrix`)"],
	],
	[
		"{run: x, matrix: {x: [1, '1'], y: [], 3: [a]}}",
		[
			"4:31 steps.a.matrix.x.1: `1` is given twice (remove one of them)",
			"4:40 steps.a.matrix.y: expected a list of at least one value, found an empty list (or an earlier step's output that holds a JSON list, `step.output`)",
			"4:44 steps.a.matrix.3: `3` is no name of an axis (expected letters, digits, `-` and `_`, and not a number)",
		],
	],
	[
		"{run: 'e ${{ params.epoch }} ${{ param.epochs }} ${{ matrix.x }} ${{ params.epochs'}",
		[
			"4:15 steps.a.run: `epoch` is no parameter (did you mean `epochs`?)",
			"4:35 steps.a.run: expected `${{ params.<name> }}`, `${{ matrix.<axis> }}` or `${{ steps.<step>.outputs.<output> }}`, found `${{ param.epochs }}` (did you mean `params.epochs`?)",
			"4:55 steps.a.run: `x` is no axis of this step's matrix (there is none)",
			"4:71 steps.a.run: `${{` is never closed (close it with `}}`)",
		],
	],
	[
		"\n    run: |\n      echo one\n      echo ${{ params.nope }}",
		["7:12 steps.a.run: `nope` is no parameter (known: epochs)"],
	],
])("step %j", (body, expected) => {
	const found = inStep(body);
	expect(found).toHaveLength(expected.length);
	for (const [index, problem] of found.entries()) expect(problem).toContain(expected[index]);
});

test.each<[string, string[]]>([
	["{run: x, if: }", ["4:19 steps.a.if: expected a condition, such as `params.full`"]],
	["{run: x, if: [a]}", ["4:19 steps.a.if: expected a condition, such as `params.full`"]],
	["{run: x, if: params.epoch > 3}", ["4:19 steps.a.if: `epoch` is no parameter (did you mean `epochs`?)"]],
	[
		"{run: x, if: \"params.epochs > 3 && params.epoch == 'params.epoch'\"}",
		["4:41 steps.a.if: `epoch` is no parameter (did you mean `epochs`?)"],
	],
	["{run: x, if: params.epochs = 3}", ['4:33 steps.a.if: unexpected "=" (did you mean `==`?)']],
	[
		"{run: x, if: params.epochs and true}",
		["4:33 steps.a.if: `and` is nothing that is known here (did you mean `&&`?)"],
	],
	["{run: x, if: failure()}", ["4:19 steps.a.if: `failure` is no function (did you mean `failed()`?)"]],
	["{run: x, if: matrix.lr > 0}", ["4:19 steps.a.if: `lr` is no axis of this step's matrix (there is none)"]],
	["{run: x, if: steps.b.state == 'failed'}", ["4:19 steps.a.if: no step is called `b` (known: a)"]],
	["{run: x, if: steps.a.state == 'failed'}", ["4:19 steps.a.if: `a` needs itself (remove it)"]],
	[
		"{run: x, if: steps.a.result == 1}",
		[
			"4:19 steps.a.if: `steps.a.result` names nothing that is known here (expected params.<name>, matrix.<axis>, steps.<step>.state, steps.<step>.outputs.<output> or steps.<step>.metrics.<metric>)",
		],
	],
	[
		"{run: x, if: '${{ params.epochs > 1 }} && true'}",
		["4:20 steps.a.if: `${{ }}` may only stand around the whole condition"],
	],
	[
		"\n    run: x\n    if: >\n      params.epochs > 1 &&\n      params.nope",
		["8:7 steps.a.if: `nope` is no parameter (known: epochs)"],
	],
	[`{run: x, if: ${"true && ".repeat(400)}true}`, ["4:19 steps.a.if: longer than 2000 characters"]],
	[`{run: x, if: ${"(".repeat(33)}true${")".repeat(33)}}`, ["4:51 steps.a.if: too many parentheses in each other"]],
	["{run: x, if: !failed()}", ["a value that begins with `!` must be quoted"]],
	["{run: x, grace: 2h}", ["4:22 steps.a.grace: expected at most 1h, found `2h`"]],
	["{run: x, grace: soon}", ["4:22 steps.a.grace: expected a duration up to 365d"]],
	[
		"{run: x, on_lost: wait 10m}",
		[
			"4:24 steps.a.on_lost: expected `restart` or {wait: 10m}, found `wait 10m` (an attempt that is heard of within that time goes on)",
		],
	],
	["{run: x, on_lost: {}}", ["4:24 steps.a.on_lost: expected `wait`, how long a lost attempt may still be heard of"]],
	["{run: x, on_lost: {wiat: 1m}}", ["expected `wait`", "`wiat` is no key here (did you mean `wait`?)"]],
	["{run: x, cache: 7d}", ["4:22 steps.a.cache: expected true, false or {ttl: 7d}, found `7d`"]],
	[
		"{run: x, cache: {ttl: 0}}",
		["4:28 steps.a.cache.ttl: expected how long a result is taken, found `0` (`cache: false` takes none)"],
	],
	["{uses: noop, cache: true}", ["4:19 steps.a.cache: `cache` has no effect in a `noop` step (remove it)"]],
	[
		"{run: x, concurrency: 2}",
		[
			"4:28 steps.a.concurrency: expected the name of a group, found `2` (how many at once is `max`: {group: gpu-lab, max: 2})",
		],
	],
	[
		"{run: x, concurrency: {max: 0}}",
		["expected `group`, which names those that count together", "from 1 to 10000, found `0`"],
	],
	[
		"{run: x, concurrency: {group: g, cancel_in_progress: true}}",
		[
			"4:39 steps.a.concurrency.cancel_in_progress: `cancel_in_progress` has a meaning for whole runs only (put it at the top of the file)",
		],
	],
	[
		"{run: x, concurrency: 'g-${{ params.epoch }}-${{ steps.a.state }}-${{ matrix.x }}'}",
		[
			"4:31 steps.a.concurrency: `epoch` is no parameter (did you mean `epochs`?)",
			"4:51 steps.a.concurrency: a step has no meaning here (name parameters, `params.<name>`)",
			"4:72 steps.a.concurrency: `x` is no axis of this step's matrix (there is none)",
		],
	],
	["{run: x, retries: {max: 1, on: [0, 256, 1.5]}}", ["found `0`", "found `256`", "found `1.5`"]],
	[
		"{run: x, retries: {max: 1, on: [error, 42]}}",
		["4:37 steps.a.retries.on: `error` is any exit code, 42 too (remove `error`, or the codes)"],
	],
	["{run: x, retries: {max: 1, lost: -1}}", ["4:39 steps.a.retries.lost: expected a whole number from 0 to 100"]],
	["{uses: approve}", ["4:3 steps.a: expected `with`, a mapping with `message`"]],
	["{uses: approve, with: {}}", ["4:3 steps.a: expected `with.message`"]],
	["{uses: approve, with: {message: 5}}", ["4:38 steps.a.with.message: expected what the person is asked, found `5`"]],
	["{uses: approve, retries: 2, with: {message: m}}", ["`retries` has no effect in a `approve` step (remove it)"]],
	[
		"{run: x, matrix: prepare.list}",
		[
			"expected a mapping of axes to lists, found `prepare.list` (for values from an earlier step: {item: prepare.list})",
		],
	],
	[
		"{run: x, matrix: {x: '${{ steps.prepare.outputs.list }}'}}",
		["4:28 steps.a.matrix.x: an expression has no meaning here (name the output alone: `prepare.list`)"],
	],
	[
		"{run: x, inputs: {d: '${{ params.epochs }}'}}",
		["4:28 steps.a.inputs.d: an expression has no meaning here (it is read in"],
	],
	["{run: x, matrix: {x: hello}}", ["4:27 steps.a.matrix.x: expected a step's output, `step.output`, found `hello`"]],
	["{run: x, matrix: {x: prepare.list}}", ["4:27 steps.a.matrix.x: no step is called `prepare`"]],
	[
		"{run: x, matrix: {x: [{a: 1}, {b: 1}, 3], y: [{}], z: [{'a b': 1}, {a: [1]}]}}",
		[
			"4:36 steps.a.matrix.x.1: has other keys than the first value of the axis (give each value the same keys)",
			"4:44 steps.a.matrix.x.2: has other keys than the first value of the axis (give each value the same keys)",
			"4:52 steps.a.matrix.y.0: expected a mapping of at least one key, found an empty mapping",
			"4:62 steps.a.matrix.z.0.a b: `a b` is no key of an axis",
			"4:73 steps.a.matrix.z.1: has other keys",
			"4:77 steps.a.matrix.z.1.a: expected text, a number, true or false, found a list",
		],
	],
	[
		"{run: '${{ matrix.x }} ${{ matrix.x.b }}', matrix: {x: [{a: 1}]}}",
		[
			"4:13 steps.a.run: `x` is no axis of this step's matrix (known: x.a)",
			"4:29 steps.a.run: `x.b` is no axis of this step's matrix (did you mean `x.a`?)",
		],
	],
])("step %j says when and how often", (body, expected) => {
	const found = inStep(body);
	expect(found).toHaveLength(expected.length);
	for (const [index, problem] of found.entries()) expect(problem).toContain(expected[index]);
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

const IMAGE = "an image, such as python:3.12-slim: letters, digits, and . _ - / : @, at most 255";

test.each(["-v", "a b", "a|b", "python:3.12 --privileged", "é", "/a", `a${"b".repeat(255)}`])(
	"%s is no image",
	(image) => {
		const [problem] = inStep(`{run: x, image: "${image}"}`);
		expect(problem).toContain(`4:22 steps.a.image: expected ${IMAGE}, found \`${image.slice(0, 60)}`);
	},
);
