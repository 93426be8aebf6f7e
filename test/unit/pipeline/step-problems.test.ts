// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests

import { expect, test } from "vitest";
import { problemsOf } from "./parsed.ts";

const head = "name: p\nparams: {epochs: 1}\nsteps:\n";

/** The body of step `a`, which stands from column 6 of line 4 on. */
const inStep = (body: string, others = ""): string[] => problemsOf(`${head}  a: ${body}\n${others}`);

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

const IMAGE = "an image, such as python:3.12-slim: letters, digits, and . _ - / : @, at most 255";

test.each(["-v", "a b", "a|b", "python:3.12 --privileged", "é", "/a", `a${"b".repeat(255)}`])(
	"%s is no image",
	(image) => {
		const [problem] = inStep(`{run: x, image: "${image}"}`);
		expect(problem).toContain(`4:22 steps.a.image: expected ${IMAGE}, found \`${image.slice(0, 60)}`);
	},
);
