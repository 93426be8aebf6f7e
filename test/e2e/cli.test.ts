/** The command line as a person uses it, on a mesh that it started itself. */

import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Diagnosis } from "#cli/doctor/doctor.ts";
import type { Download } from "#cli/lib/download.ts";
import type {
	AgentView,
	ArtifactView,
	DeploymentView,
	LogRecord,
	ModelView,
	Page,
	PlanView,
	RunDetail,
	RunSummary,
} from "#shared/api.ts";
import {
	agentShape,
	artifactShape,
	attemptShape,
	deploymentShape,
	logRecordShape,
	modelShape,
	planShape,
	planStepShape,
	runDetailShape,
	runSummaryShape,
	stepShape,
} from "#test/support/api-shapes.ts";
import { commandMesh } from "#test/support/command-mesh.ts";
import { addModel } from "#test/support/onnx-models.ts";

const mesh = commandMesh();
const hello = fileURLToPath(new URL("../../examples/hello/pipeline.yaml", import.meta.url));

/** What a command that succeeds prints. */
const says = async (...args: string[]): Promise<string> => {
	const { code, stdout, stderr } = await mesh.run(...args);
	expect({ code, stderr }, `${args.join(" ")}:\n${stdout}`).toEqual({ code: 0, stderr: "" });
	return stdout.toString();
};

/** Submits without following; returns the run's id. */
const submit = async (file: string): Promise<string> => (await says("run", file, "--detach")).trim();

/** Runs a pipeline to its good end; returns the run's id. */
const finish = async (file: string): Promise<string> => (await mesh.json<RunDetail>("run", file)).id;

/** Shell that goes on once the test has written the file. */
const until = (file: string): string => `until [ -e "${file}" ]; do sleep 0.02; done`;

describe("run", () => {
	test("streams what the steps print, with the parameters that were given", async () => {
		const told = await says("run", hello, "-p", "name=Ada 'n Bob");
		expect(told).toMatch(/^read +│ Hello, Ada 'n Bob!$/m);
		expect(told).toMatch(/^run r\w+ .*succeeded/m);
	});

	test("prints the run as JSON", async () => {
		const run = await mesh.json<RunDetail>("run", hello);
		expect(run).toStrictEqual(runDetailShape);
		expect(run).toMatchObject({ pipeline: "hello", state: "succeeded", params: { name: "world" } });
	});

	test("ends with 1 when a step fails, and says which and why", async () => {
		const file = mesh.pipeline(
			"failing",
			`name: failing
steps:
  good: {run: echo fine}
  bad: {needs: [good], run: echo going wrong >&2; exit 3}
  after: {needs: [bad], run: echo never}
`,
		);
		const { code, stdout } = await mesh.run("run", file);
		expect(code).toBe(1);
		expect(stdout.toString()).toMatch(/^bad +│ going wrong$/m);
		expect(stdout.toString()).toMatch(/bad.*exit code 3/);
		expect(stdout.toString()).not.toContain("never");
		const { items } = await mesh.json<Page<RunSummary>>("runs", "ls", "--pipeline", "failing", "--state", "failed");
		const shown = await mesh.json<RunDetail>("runs", "show", items[0]?.id ?? "");
		expect(shown.stepList.map(({ key, state, failure }) => [key, state, failure?.exitCode])).toEqual([
			["good", "succeeded", undefined],
			["bad", "failed", 3],
			["after", "skipped", undefined],
		]);
	});

	test("goes on without the one who pressed Ctrl-C, unless that was to cancel it", async () => {
		const file = mesh.pipeline("patient", "name: patient\nsteps: {wait: {run: echo waiting; sleep 1000}}");
		const left = mesh.start("run", file);
		await left.printed(/│ waiting/);
		left.kill("SIGINT");
		const { code, stderr } = await left.finished;
		expect(code).toBe(130);
		const [, command = ""] = /cancel with: runmesh (runs cancel \w+)$/m.exec(stderr + left.text()) ?? [];
		const goesOn = await mesh.json<Page<RunSummary>>("runs", "ls", "--state", "running", "--pipeline", "patient");
		expect(goesOn.items.map(({ id }) => `runs cancel ${id}`)).toEqual([command]);
		await says(...command.split(" "));

		const cancelled = mesh.start("run", file, "--cancel-on-interrupt");
		await cancelled.printed(/│ waiting/);
		cancelled.kill("SIGINT");
		expect(await cancelled.finished).toMatchObject({ code: 9 });
	});

	test("lists everything that is wrong with a file, with the near words, and submits nothing", async () => {
		const file = mesh.pipeline(
			"wrong",
			`name: wrong
steps:
  prepare: {run: echo data, output: [data]}
  train:
    needs: [prepar]
    run: echo \${{ params.epochs }}
    timeout: 10 minutes
`,
		);
		const before = await mesh.json<Page<RunSummary>>("runs", "ls", "--limit", "1000");
		for (const verb of ["run", "plan"]) {
			const { code, stdout, stderr } = await mesh.run(verb, file);
			expect({ code, stdout: stdout.toString() }).toEqual({ code: 2, stdout: "" });
			expect(stderr).toMatch(/^error: .*wrong\/pipeline\.yaml has 4 errors$/m);
			expect(stderr).toMatch(/pipeline\.yaml:3:29 {2}steps\.prepare.*did you mean `outputs`\?$/m);
			expect(stderr).toMatch(/pipeline\.yaml:5:13 {2}steps\.train\.needs.*did you mean `prepare`\?$/m);
			expect(stderr).toMatch(/pipeline\.yaml:6:15 {2}steps\.train\.run.*epochs/m);
			expect(stderr).toMatch(/pipeline\.yaml:7:14 {2}steps\.train\.timeout/m);
			const asJson = await mesh.run(verb, file, "-o", "json");
			const { error } = JSON.parse(asJson.stderr);
			expect(error).toMatchObject({ code: "RM_PIPELINE_INVALID", message: expect.any(String), hint: "" });
			expect(error.problems.map(({ line, column }: { line: number; column: number }) => [line, column])).toEqual([
				[3, 29],
				[5, 13],
				[6, 15],
				[7, 14],
			]);
		}
		expect(await mesh.json("runs", "ls", "--limit", "1000")).toEqual(before);
	});
});

test("plan says where each step would go, and why one can't", async () => {
	const file = mesh.pipeline(
		"huge",
		`name: huge
steps:
  small: {run: echo small}
  big: {needs: [small], run: echo big, resources: {cpu: 4000}}
`,
	);
	const told = await says("plan", file);
	expect(told).toMatch(/small.*lab/);
	expect(told).toMatch(/big.*cpu/i);
	const plan = await mesh.json<PlanView>("plan", file);
	expect(plan).toStrictEqual(planShape);
	expect(plan.steps).toStrictEqual([planStepShape, planStepShape]);
	expect(plan.steps.map(({ key, agent, rejected }) => [key, agent, rejected.length])).toEqual([
		["small", "lab", 0],
		["big", null, 1],
	]);
});

describe("runs", () => {
	test("are listed newest first, page by page", async () => {
		const [older, newer] = [await finish(hello), await finish(hello)];
		const first = await mesh.json<Page<RunSummary>>("runs", "ls", "--limit", "1");
		expect(first).toStrictEqual({ items: [runSummaryShape], next: expect.any(String) });
		const second = await mesh.json<Page<RunSummary>>("runs", "ls", "--limit", "1", "--before", first.next ?? "");
		expect([first, second].map(({ items }) => items[0]?.id)).toEqual([newer, older]);
		expect(await says("runs", "ls")).toMatch(new RegExp(`^${newer} +hello +succeeded +2/2`, "m"));
	});

	test("are shown by any unique beginning of the id, with steps and attempts", async () => {
		const [, id = ""] = [await finish(hello), await finish(hello)];
		const run = await mesh.json<RunDetail>("runs", "show", id);
		expect(run).toStrictEqual(runDetailShape);
		for (const step of run.stepList) {
			expect(step).toStrictEqual(stepShape);
			expect(step.attempts).toStrictEqual([attemptShape]);
			expect(step.attempts[0]).toMatchObject({ number: 1, state: "succeeded", agent: "lab" });
		}
		expect(await mesh.json("runs", "show", id.slice(0, -1))).toEqual(run);
		expect(await mesh.json("runs", "show", "latest")).toEqual(run);
		expect(await mesh.run("runs", "show", "r")).toMatchObject({ code: 2, stderr: expect.stringContaining(" fits ") });
		const told = await says("runs", "show", id);
		expect(told).toMatch(/greet +succeeded/);
		expect(told).toMatch(/read +succeeded/);
	});

	test("are cancelled: what runs is stopped, what follows does not start", async () => {
		const file = mesh.pipeline(
			"endless",
			`name: endless
steps:
  work: {run: "echo working; sleep 1000"}
  after: {needs: [work], run: echo never}
`,
		);
		const following = mesh.start("run", file);
		await following.printed(/│ working/);
		const [run] = (await mesh.json<Page<RunSummary>>("runs", "ls", "--pipeline", "endless")).items;
		const answer = await mesh.json<RunDetail>("runs", "cancel", run?.id ?? "");
		expect(answer).toStrictEqual(runDetailShape);
		expect(answer.state).toMatch(/^cancel/);
		expect(await following.finished).toMatchObject({ code: 9 });
		const { state, stepList } = await mesh.json<RunDetail>("runs", "show", run?.id ?? "");
		expect(state).toBe("cancelled");
		expect(stepList.map((step) => [step.key, step.state, step.attempts.length])).toEqual([
			["work", "cancelled", 1],
			["after", "cancelled", 0],
		]);
		expect(await says("runs", "cancel", run?.id ?? ""), "a second time").toBe(`run ${run?.id} is cancelled\n`);
	});
});

describe("logs", () => {
	test("of one step come into a pipe as the very bytes, whatever they are", async () => {
		const bytes = randomBytes(300_000);
		const file = mesh.pipeline(
			"noise",
			`name: noise
steps:
  noise: {run: cat noise.bin; echo aside >&2}
`,
			{ "noise.bin": bytes },
		);
		const id = await finish(file);
		const { stdout } = await mesh.run("logs", id, "noise", "--stream", "stdout");
		expect(stdout.equals(bytes)).toBe(true);
		expect(await says("logs", id, "noise", "--stream", "stderr")).toBe("aside\n");
	});

	test("of several steps begin with the step's key; as JSON each line is a record", async () => {
		const id = await finish(
			mesh.pipeline("pair", `name: pair\nsteps: {pair: {matrix: {n: [1, 2]}, run: 'echo cell \${{ matrix.n }}'}}`),
		);
		const lines = (await says("logs", id)).trimEnd().split("\n").sort();
		expect(lines).toEqual([expect.stringMatching(/^pair\.0 +│ cell 1$/), expect.stringMatching(/^pair\.1 +│ cell 2$/)]);
		const records = (await says("logs", id, "pair.1", "-o", "json")).trimEnd().split("\n");
		expect(records.map((line) => JSON.parse(line) as LogRecord)).toStrictEqual([logRecordShape]);
		expect(JSON.parse(records[0] ?? "")).toMatchObject({ step: "pair.1", attempt: 1, offset: 0, text: "cell 2\n" });
	});

	test("-f shows lines as they come, and ends with the run", async () => {
		const go = join(mesh.folder, "go");
		const file = mesh.pipeline("slow", `name: slow\nsteps: {slow: {run: 'echo one; ${until(go)}; echo two'}}`);
		const id = await submit(file);
		const following = mesh.start("logs", id, "slow", "-f");
		await following.printed(/one/);
		expect(following.text()).toBe("one\n");
		writeFileSync(go, "");
		const { code, stdout, stderr } = await following.finished;
		expect({ code, stdout: stdout.toString(), stderr }).toEqual({ code: 0, stdout: "one\ntwo\n", stderr: "" });
		expect(await mesh.json("runs", "show", id)).toMatchObject({ state: "succeeded" });
	});
});

test("artifacts are listed, and come back as the bytes that were put in", async () => {
	const bytes = randomBytes(3_000_000);
	const file = mesh.pipeline(
		"files",
		`name: files
steps:
  make:
    run: |
      cp data.bin "$RUNMESH_OUTPUTS/data.bin"
      mkdir -p "$RUNMESH_OUTPUTS/tree/deep" && cp data.bin "$RUNMESH_OUTPUTS/tree/deep/copy.bin"
      printf '#!/bin/sh\\n' > "$RUNMESH_OUTPUTS/tree/tool" && chmod +x "$RUNMESH_OUTPUTS/tree/tool"
      : > "$RUNMESH_OUTPUTS/tree/empty"
    outputs: {data: data.bin, tree: tree}
`,
		{ "data.bin": bytes },
	);
	const id = await finish(file);
	const artifacts = await mesh.json<ArtifactView[]>("artifacts", "ls", id);
	expect(artifacts).toStrictEqual([artifactShape, artifactShape]);
	expect(artifacts.map(({ step, name, fileCount }) => [step, name, fileCount])).toEqual([
		["make", "data", 1],
		["make", "tree", 3],
	]);
	expect(await says("artifacts", "ls", id)).toMatch(/^make\.data +\S+ \S+ +1 +\w+/m);

	const folder = join(mesh.folder, "downloads");
	mkdirSync(folder);
	const data = await mesh.json<Download>("artifacts", "get", id, "make.data", "-d", folder);
	expect(data).toStrictEqual({ artifact: artifactShape, path: join(folder, "data.bin") });
	expect(readFileSync(data.path).equals(bytes)).toBe(true);
	await says("artifacts", "get", id, "make.tree", "-d", folder);
	expect(readdirSync(join(folder, "tree"), { recursive: true }).sort()).toEqual([
		"deep",
		"deep/copy.bin",
		"empty",
		"tool",
	]);
	expect(readFileSync(join(folder, "tree/deep/copy.bin")).equals(bytes)).toBe(true);
	expect(statSync(join(folder, "tree/tool")).mode & 0o111).not.toBe(0);
	expect(statSync(join(folder, "tree/empty")).size).toBe(0);

	const inTheWay = join(folder, "busy", "data.bin");
	mkdirSync(inTheWay, { recursive: true });
	expect(await mesh.run("artifacts", "get", id, "make.data", "-d", join(folder, "busy"))).toMatchObject({
		code: 2,
		stderr: `error: ${inTheWay} can't be used: it is a folder\n`,
	});

	const { code, stderr } = await mesh.run("artifacts", "get", id, "make.dat", "-d", folder);
	expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining("did you mean `make.data`?") });
});

test("a deployed model is listed and answers", async () => {
	const file = mesh.pipeline(
		"adder",
		`name: adder
steps:
  train:
    run: cp model.onnx "$RUNMESH_OUTPUTS/" && echo '{"name":"accuracy","value":0.5}' >> "$RUNMESH_METRICS"
    outputs: {model: model.onnx}
  deploy: {uses: deploy, with: {model: train.model, name: adder}}
`,
		{ "model.onnx": addModel(2), "input.json": "[10, 20]" },
	);
	const run = await finish(file);
	const models = await mesh.json<ModelView[]>("models", "ls");
	expect(models).toStrictEqual([modelShape]);
	expect(await mesh.json<ModelView>("models", "show", "adder")).toEqual(models[0]);
	expect(models[0]?.versions[0]).toMatchObject({ version: 1, state: "serving", run, step: "deploy" });
	expect(models[0]?.versions[0]?.metrics).toMatchObject([{ name: "accuracy", value: 0.5 }]);
	expect(await says("models", "show", "adder")).toMatch(/^ +1 +serving/m);
	expect(await says("models", "ls")).toMatch(/^adder +1 +1 +serving/m);

	const deployments = await mesh.json<DeploymentView[]>("deployments", "ls");
	expect(deployments).toStrictEqual([deploymentShape]);
	expect(deployments[0]).toMatchObject({ name: "adder", version: 1, replicas: [{ agent: "lab", state: "serving" }] });
	expect(await says("deployments", "ls")).toMatch(/^adder +adder:1 +lab +serving +http:/m);

	expect(await mesh.json("infer", "adder", "--input", "x=[1, 2.5]")).toEqual({
		model: "adder",
		version: "1",
		outputs: [{ name: "y", datatype: "FP32", shape: [2], data: [3, 4.5] }],
	});
	expect(await says("infer", "adder", "--input", `x=@${join(file, "../input.json")}`)).toBe("y  FP32 [2]  12 22\n");
	const { code, stderr } = await mesh.run("infer", "ader", "--input", "x=[1]");
	expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining("did you mean `adder`?") });
});

test("agents are listed and shown with their hardware", async () => {
	const agents = await mesh.json<AgentView[]>("agents", "ls");
	expect(agents).toStrictEqual([agentShape]);
	expect(agents[0]).toMatchObject({ name: "lab", state: "online" });
	expect(await mesh.json<AgentView>("agents", "show", "lab")).toStrictEqual(agentShape);
	expect(await says("agents", "ls")).toMatch(/^lab +online/m);
	expect(await says("agents", "show", "lab")).toContain(agents[0]?.fingerprint?.hostname);
});

test("doctor finds the mesh well", async () => {
	const { verdict, checks } = await mesh.json<Diagnosis>("doctor");
	expect(verdict).not.toBe("fail");
	for (const check of checks) {
		expect(check).toStrictEqual({
			name: expect.any(String),
			verdict: expect.stringMatching(/^(ok|warn)$/),
			detail: expect.any(String),
			advice: expect.any(String),
		});
	}
	const told = await says("doctor");
	for (const { name } of checks) expect(told).toContain(name);
});

test("a second `up` on the same home is refused, and the first goes on", async () => {
	const { pid, url } = mesh.summary();
	for (const flags of [[], ["--detach"]]) {
		const { code, stdout, stderr } = await mesh.run("up", ...flags, "--http-port", "0");
		expect({ code, stdout: stdout.toString() }).toEqual({ code: 4, stdout: "" });
		expect(stderr).toContain(`a mesh already runs on ${mesh.home.root} at ${url} (process ${pid})`);
		expect(stderr).toContain("hint: ");
	}
	expect(await mesh.json<AgentView[]>("agents", "ls")).toMatchObject([{ state: "online" }]);
});

test("a wrong word is an error that names the near one", async () => {
	expect(await mesh.run("rnus")).toMatchObject({ code: 2, stderr: expect.stringContaining("did you mean runs?") });
	expect(await mesh.run("runs", "shwo")).toMatchObject({
		code: 2,
		stderr: expect.stringContaining("did you mean show?"),
	});
	expect(await mesh.run("runs", "ls", "--limt", "3")).toMatchObject({
		code: 2,
		stderr: expect.stringContaining("did you mean --limit?"),
	});
});

test("what is not there is told as an error with the exit code for it", async () => {
	for (const args of [
		["runs", "show", "r0nothing"],
		["logs", "r0nothing"],
		["artifacts", "ls", "r0nothing"],
		["models", "show", "nothing"],
		["agents", "show", "nothing"],
	]) {
		const { code, stdout, stderr } = await mesh.run(...args, "-o", "json");
		expect({ code, stdout: stdout.toString() }, args.join(" ")).toEqual({ code: 3, stdout: "" });
		expect(JSON.parse(stderr)).toMatchObject({ error: { code: "RM_NOT_FOUND", problems: [] } });
	}
});
