/** Environments as the agent makes them: real interpreters and tools, packages from this disk, no network. */

import { execFileSync, spawnSync } from "node:child_process";
import {
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	rmSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createEnvironments, type Environments } from "#agent/environments/environments.ts";
import { readRecord } from "#agent/environments/record.ts";
import { toFailure } from "#agent/runner/failure.ts";
import { type AttemptPaths, attemptPaths } from "#agent/runner/files/paths.ts";
import { openTrash } from "#agent/runner/files/trash.ts";
import { baseEnvironment, type Environment } from "#agent/runner/setup/environment.ts";
import { openBlobStore } from "#shared/blobs/store.ts";
import { captureTree, materialiseTree } from "#shared/blobs/tree.ts";
import type { ArtifactRef, StepEnvironment, Task } from "#shared/domain.ts";
import { commandTask } from "#test/support/agent-tasks.ts";
import { fakeConda, makes } from "#test/support/fake-conda.ts";
import { makeNodeProject, makeWheel } from "#test/support/packages.ts";
import { newFolder, processesNaming, removeFolder } from "#test/support/test-folder.ts";

const hasProgram = (name: string): boolean => spawnSync(name, ["--version"]).status === 0;
const hasVenv = spawnSync("python3", ["-c", "import venv, ensurepip"]).status === 0;

interface Bench {
	environments: Environments;
	folder: string;
	root: string;
	code: string;
	/** Where wheels lie. */
	wheels: string;
	provide(
		step: string,
		environment: StepEnvironment,
		more?: Partial<Task>,
		signal?: AbortSignal,
		by?: Environments,
	): Promise<Provided>;
	/** As the next agent opens them. */
	again(): Environments;
	keys(): string[];
}

interface Provided {
	paths: AttemptPaths;
	task: Task;
	run(program: string, ...args: string[]): string;
	log(): string;
}

const python = (own: Partial<StepEnvironment>): StepEnvironment => ({
	...{ kind: "python", file: "", packages: [], version: "" },
	...own,
});

interface BenchOptions {
	/** Goes before everything else on PATH. */
	tools?: string;
	path?: string;
	maxBytes?: number;
	timeoutMs?: number;
}

const bench = async (files: Record<string, string> = {}, options: BenchOptions = {}): Promise<Bench> => {
	const folder = newFolder();
	const code = join(folder, "code");
	const wheels = join(folder, "wheels");
	mkdirSync(wheels);
	mkdirSync(code);
	for (const [path, text] of Object.entries(files)) writeFileSync(join(code, path), text);
	const store = await openBlobStore(join(folder, "blobs"));
	const root = join(folder, "environments");
	const warn = (message: string): void => expect.unreachable(message);
	const trash = openTrash(join(folder, "trash"), () => undefined);
	const plain = baseEnvironment();
	const base: Environment = { ...plain, PATH: [options.tools, options.path ?? plain.PATH].filter(Boolean).join(":") };
	const { maxBytes = 1e12, timeoutMs = 120_000 } = options;
	const bringCode = (code: ArtifactRef, target: string): Promise<unknown> => materialiseTree(store, code, target);
	const again = (): Environments => {
		const made = createEnvironments({ root, base, bringCode, trash, warn, maxBytes, timeoutMs });
		onTestFinished(() => made.close());
		return made;
	};
	const environments = again();
	onTestFinished(async () => {
		trash.close();
		await removeFolder(folder);
	});
	return {
		...{ environments, folder, root, code, wheels, again },
		keys: () => readdirSync(root).filter((key) => existsSync(join(root, key, "made.json"))),
		provide: async (step, environment, more = {}, signal = new AbortController().signal, by = environments) => {
			const env = { PIP_NO_INDEX: "1", PIP_FIND_LINKS: wheels, ...more.env };
			const task = commandTask(step, "true", { environment, ...more, env });
			task.code = await captureTree(store, code, "code", "test");
			const paths = attemptPaths(join(folder, "attempts"), task.attemptId);
			mkdirSync(paths.folder, { recursive: true });
			rmSync(paths.work, { recursive: true, force: true });
			execFileSync("cp", ["-R", code, paths.work]);
			writeFileSync(paths.stderr, "");
			const log = (): string => readFileSync(paths.stderr, "utf8");
			await by.provide(task, paths, signal);
			const run = (program: string, ...args: string[]): string => {
				const of = by.within(task.attemptId, base);
				return execFileSync("/usr/bin/env", [program, ...args], { env: of, cwd: paths.work, encoding: "utf8" }).trim();
			};
			return { paths, task, run, log };
		},
	};
};

const HELLO = "def main():\n    print('hello from ' + __file__)\n";

const pythonWays = [
	{ tool: "pip", there: hasVenv, words: "Processing" },
	{ tool: "uv", there: hasProgram("uv"), words: "+ rmhello==1.0" },
];

/** Where nothing but pip's uv is hidden: of the same folders, those without it. */
const withoutUv = (path: string): string =>
	path
		.split(delimiter)
		.filter((folder) => !existsSync(join(folder, "uv")))
		.join(delimiter);

test.for(pythonWays)(
	"python by $tool: made once, first on PATH, shared",
	{ timeout: 240_000 },
	async (way, { skip }) => {
		skip(!way.there, `no ${way.tool} here`);
		const { provide, wheels, keys, root } = await bench(
			{ "requirements.txt": "# ours\nrmhello==1.0\n" },
			way.tool === "uv" ? {} : { path: withoutUv(process.env.PATH ?? "") },
		);
		makeWheel(wheels, "rmhello", "1.0", HELLO);
		const wanted = python({ file: "requirements.txt" });
		const [one, two] = await Promise.all([provide("one", wanted), provide("two", wanted)]);
		expect(keys()).toHaveLength(1);
		const [key = ""] = keys();
		for (const { run, log, paths } of [one, two]) {
			expect(run("rmhello")).toContain(`hello from ${root}/${key}/env/lib/`);
			expect(run("python", "-c", "import sys; print(sys.prefix)")).toBe(`${root}/${key}/env`);
			expect(run("sh", "-c", "echo $VIRTUAL_ENV")).toBe(`${root}/${key}/env`);
			expect(log()).toContain("makes the Python environment");
			expect(log()).toContain(way.words);
			expect(log()).toContain("is ready after");
			expect(readRecord(paths)).toEqual({ key, setupBytes: Buffer.byteLength(log()) });
		}
		expect(existsSync(join(root, key, "source"))).toBe(false);
		expect(lstatSync(join(root, key, "env", "lib")).mode & 0o222).toBe(0);
		const three = await provide("three", wanted);
		expect(three.log()).toBe("");
		expect(three.run("rmhello")).toBe(one.run("rmhello"));
	},
);

test.runIf(hasVenv)(
	"python: a package of the code itself is in it, and all of the code counts",
	{ timeout: 240_000 },
	async () => {
		const { provide, code, keys } = await bench({ "requirements.txt": "./lib/rmhello-2.0-py3-none-any.whl\n" });
		makeWheel(join(code, "lib"), "rmhello", "2.0", HELLO);
		const wanted = python({ file: "requirements.txt" });
		const { run } = await provide("one", wanted, { trackCode: true });
		expect(run("rmhello")).toContain("hello from");
		expect(keys()).toHaveLength(1);
	},
);

test("python: a version that is not there is named, with those that are", async () => {
	const { provide } = await bench();
	await expect(provide("one", python({ version: "3.99" }))).rejects.toThrow(
		/^Python 3\.99 is wanted, and this agent has 3\.\d+\.\d+.*: install it there/,
	);
});

test.runIf(hasVenv)(
	"python: without a network it says so, with the tool's last words",
	{ timeout: 240_000 },
	async () => {
		const { provide, keys } = await bench({}, { path: withoutUv(process.env.PATH ?? "") });
		const nowhere = { PIP_NO_INDEX: "", PIP_INDEX_URL: "http://127.0.0.1:9/simple", PIP_RETRIES: "1" };
		const failing = provide("one", python({ packages: ["rmhello==1.0"] }), { env: nowhere });
		const failure = toFailure(await failing.catch((error) => error), "input", "");
		expect(failure.cause).toBe("setup");
		expect(failure.message).toContain("`python -m pip install rmhello==1.0` ended with exit code 1; it said last:");
		expect(failure.message).toContain("No matching distribution found for rmhello==1.0");
		expect(failure.message).toContain("the agent can't reach where packages come from");
		expect(keys()).toEqual([]);
	},
);

test.runIf(hasProgram("npm"))("node: for require, import and on PATH", { timeout: 240_000 }, async () => {
	const { provide, code, keys, root } = await bench();
	makeNodeProject(join(code, "web"), "rmhello", {
		"package.json": JSON.stringify({ name: "rmhello", version: "1.0.0", bin: "./cli.js", main: "./cli.js" }),
		"cli.js": "#!/usr/bin/env node\nconsole.log('hello from ' + __filename);\n",
	});
	writeFileSync(join(code, "web", "main.mjs"), "import 'rmhello';\n");
	const { run, paths, log } = await provide("one", { kind: "node", file: "web", packages: [], version: "" });
	const [key = ""] = keys();
	const expected = `hello from ${root}/${key}/source/web/node_modules/rmhello/cli.js`;
	expect(run("rmhello")).toBe(expected);
	expect(run("node", "-e", "require('rmhello')")).toBe(expected);
	expect(run("node", "web/main.mjs")).toBe(expected);
	expect(readlinkSync(`${paths.work}/web/node_modules`)).toBe(`${root}/${key}/source/web/node_modules`);
	expect(log()).toContain("$ npm ci");
});

const yaml = { "environment.yml": "dependencies: [hello]\n" };
const conda: StepEnvironment = { kind: "conda", file: "environment.yml", packages: [], version: "" };

test("conda: its programs, its variables", async () => {
	const { provide, root, keys } = await bench(yaml, { tools: fakeConda(`${makes}; cat "$4" >&2`) });
	const { run, log } = await provide("one", conda);
	expect(run("hello")).toBe("from conda");
	expect(run("sh", "-c", "echo $CONDA_PREFIX $PYTHONNOUSERSITE")).toBe(`${root}/${keys()[0]}/env 1`);
	expect(log()).toContain("dependencies: [hello]");
});

test("conda: what scripts of its packages set is there for every step", async () => {
	const script = 'function _set { export HELLO_DATA="$CONDA_PREFIX/share"; }; _set; export PATH=/nowhere; false';
	const tools = fakeConda(
		`${makes}; mkdir -p "$prefix/etc/conda/activate.d"; echo '${script}' >"$prefix/etc/conda/activate.d/hello.sh"`,
	);
	const { provide, root, keys } = await bench(yaml, { tools });
	for (const step of ["one", "two"]) {
		const { run } = await provide(step, conda);
		expect(run("sh", "-c", "echo $HELLO_DATA")).toBe(`${root}/${keys()[0]}/env/share`);
		expect(run("hello")).toBe("from conda");
	}
});

test("a failure fails all who wait, and the next one tries again", async () => {
	const tools = fakeConda(`if [ -e "$tools/mended" ]; then ${makes}; else echo broken >&2; exit 3; fi`);
	const { provide, keys, root } = await bench(yaml, { tools });
	const failures = await Promise.all(["one", "two"].map((step) => provide(step, conda).catch((error) => error)));
	for (const failure of failures) {
		expect(toFailure(failure, "input", "")).toMatchObject({
			cause: "setup",
			message: expect.stringMatching(
				/^the conda environment could not be made: `micromamba create .*` ended with exit code 3; it said last:\n.*\n?broken$/s,
			),
		});
	}
	expect(readdirSync(root)).toEqual([]);
	writeFileSync(join(tools, "mended"), "");
	await provide("three", conda);
	expect(keys()).toHaveLength(1);
});

const until = async (holds: () => boolean): Promise<void> => {
	while (!holds()) await delay(10);
};

test("given up by one it goes on, given up by all its processes end, and the next one makes it anew", async () => {
	const tools = fakeConda(`echo begun >>"$tools/begun"; [ -e "$tools/quick" ] || { sleep 600 & sleep 600; }; ${makes}`);
	const { provide, keys, root } = await bench(yaml, { tools });
	const first = new AbortController();
	const second = new AbortController();
	const one = provide("one", conda, {}, first.signal);
	const two = provide("two", conda, {}, second.signal);
	await until(() => existsSync(join(tools, "begun")));
	first.abort(new Error("not wanted"));
	await expect(one).rejects.toThrow("not wanted");
	expect(processesNaming(root).length).toBeGreaterThan(0);
	second.abort(new Error("nor here"));
	writeFileSync(join(tools, "quick"), "");
	const three = provide("three", conda);
	await expect(two).rejects.toThrow("nor here");
	await three;
	expect(keys()).toHaveLength(1);
	expect(readFileSync(join(tools, "begun"), "utf8")).toBe("begun\nbegun\n");
	await until(() => processesNaming(root).length === 0);
});

test("what takes too long is ended, with all it started", async () => {
	const { provide, root } = await bench(yaml, {
		tools: fakeConda("setsid sleep 600 & sleep 600 & sleep 600"),
		timeoutMs: 200,
	});
	await expect(provide("one", conda)).rejects.toThrow("it took longer than 200ms, which the agent allows");
	await until(() => processesNaming(root).length === 0);
});

test("what its making leaves running is ended, and not waited for", async () => {
	const { provide } = await bench(yaml, { tools: fakeConda(`${makes}; setsid sleep 600 & sleep 600 & echo done`) });
	const { run, log } = await provide("one", conda);
	expect(run("hello")).toBe("from conda");
	expect(log()).toContain("done\n");
});

test("what an agent that was killed left half made is nothing, and its processes are ended", async () => {
	const tools = fakeConda(
		`echo begun >>"$tools/begun"; [ -e "$tools/quick" ] || { setsid sleep 600 & sleep 600; }; ${makes}`,
	);
	const { root, folder, keys, provide, again } = await bench(yaml, { tools });
	const gone = new AbortController();
	const one = provide("one", conda, {}, gone.signal);
	one.catch(() => undefined);
	await until(() => existsSync(join(tools, "begun")));
	writeFileSync(join(tools, "quick"), "");
	expect(keys()).toEqual([]);
	const next = again();
	await until(() => processesNaming(`${folder}/environments`).length === 0);
	const { run } = await provide("two", conda, {}, undefined, next);
	expect(run("hello")).toBe("from conda");
	expect(readdirSync(root)).toHaveLength(1);
	await expect(one).rejects.toThrow("killed from outside");
});

test("when all take too much, what is not used goes", async () => {
	const { provide, environments, keys, root } = await bench(yaml, { tools: fakeConda(makes), maxBytes: 1 });
	const one = await provide("one", conda, { env: { CONDA_X: "1" } });
	const two = await provide("two", conda, { env: { CONDA_X: "2" } });
	environments.tidy();
	expect(keys()).toHaveLength(2);
	environments.release(one.task.attemptId);
	environments.tidy();
	expect(keys()).toEqual([readRecord(two.paths)?.key]);
	environments.release(two.task.attemptId);
	environments.adopt(two.task.attemptId, two.paths);
	environments.tidy();
	expect(keys()).toHaveLength(1);
	environments.release(two.task.attemptId);
	environments.tidy();
	expect(readdirSync(root)).toEqual([]);
});

test("a month unused, it goes", async () => {
	const { provide, environments, keys, root } = await bench(yaml, { tools: fakeConda(makes) });
	const { task } = await provide("one", conda);
	environments.release(task.attemptId);
	environments.tidy();
	const [key = ""] = keys();
	const longAgo = new Date(Date.now() - 31 * 86_400_000);
	utimesSync(join(root, key, "made.json"), longAgo, longAgo);
	environments.tidy();
	expect(keys()).toEqual([]);
});

test("tools that are not there, and files that are not in the code", async () => {
	const { provide, code } = await bench({ "r.txt": "-e .\n", "s.txt": "-r ../x.txt\n" }, { path: "/nowhere" });
	const failing = async (environment: StepEnvironment): Promise<string> => {
		const failure = await provide("one", environment).catch((error) => error);
		return toFailure(failure, "input", "").message;
	};
	expect(await failing(python({ file: "missing.txt" }))).toBe(
		'"missing.txt" is not in the code: it is submitted with the pipeline\'s folder',
	);
	expect(await failing(python({ file: "r.txt" }))).toContain('"r.txt" holds `-e .`: an environment is shared');
	expect(await failing(python({ file: "s.txt" }))).toBe('"s.txt" includes "../x.txt", which is not in the code');
	expect(await failing(python({ packages: ["-i"] }))).toBe('"-i" is no name of a package');
	expect(await failing(python({ packages: ["numpy"] }))).toBe(
		"Python is wanted, and this agent has no Python: install it there, or run the step elsewhere by labels",
	);
	expect(await failing(conda)).toContain('"environment.yml" is not in the code');
	writeFileSync(join(code, "environment.yml"), "");
	expect(await failing(conda)).toBe("this agent has none of micromamba, mamba, conda: install one there");
});
