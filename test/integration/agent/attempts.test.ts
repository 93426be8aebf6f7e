/** What an agent makes of tasks: started, run, finished, and every way a step can go wrong. */

import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { captureTree } from "#shared/blobs/tree.ts";
import type { Digest } from "#shared/ids.ts";
import { agentRig } from "#test/support/agent-rig.ts";
import { commandTask, noopTask } from "#test/support/agent-tasks.ts";

test("a step gets its code, inputs and parameters, and its outputs and metrics come back", async () => {
	const rig = await agentRig();
	const tree = join(rig.home.root, "tree");
	await mkdir(join(tree, "sub"), { recursive: true });
	await writeFile(
		join(tree, "sub", "step.mjs"),
		`import { readFileSync, writeFileSync, appendFileSync } from "node:fs";
		const { RUNMESH_INPUTS, RUNMESH_OUTPUTS, RUNMESH_PARAMS, RUNMESH_METRICS, RUNMESH_STEP, FROM_ENV } = process.env;
		const input = readFileSync(RUNMESH_INPUTS + "/data", "utf8");
		const params = JSON.parse(readFileSync(RUNMESH_PARAMS, "utf8"));
		writeFileSync(RUNMESH_OUTPUTS + "/model.txt", [input, params.lr, RUNMESH_STEP, FROM_ENV].join(" "));
		appendFileSync(RUNMESH_METRICS, '{"name":"loss","value":2,"step":1}\\nnonsense\\n{"name":"loss","value":1,"step":2}\\n');
		appendFileSync(RUNMESH_METRICS, '{"name":"bad","value":"x"}\\n{"name":"accuracy","value":0.5}');`,
	);
	await writeFile(join(rig.home.root, "data"), "the data");
	const task = commandTask("train", "node step.mjs", {
		action: { kind: "command", command: "node step.mjs", shell: ["/bin/sh", "-c"], workdir: "sub" },
		code: await captureTree(rig.store, tree, "code", "coordinator"),
		inputs: [await captureTree(rig.store, join(rig.home.root, "data"), "data", "coordinator")],
		outputs: [{ name: "model", path: "model.txt", asValue: false }],
		paramsJson: '{"lr":0.1}',
		env: { FROM_ENV: "env", RUNMESH_STEP: "forged" },
	});
	await rig.startAgent();
	await rig.send(task);

	await rig.started(task);
	const finished = await rig.finished(task);
	expect(finished).toMatchObject({
		outcome: "succeeded",
		failure: null,
		attempt: { fence: 1, attemptId: task.attemptId },
	});
	expect(finished.outputs).toMatchObject([{ name: "model", fileCount: 1, holders: ["box"], sizeBytes: 22 }]);
	expect(finished.metrics).toEqual([
		{ name: "loss", value: 1, step: 2 },
		{ name: "accuracy", value: 0.5, step: 0 },
	]);
	expect(finished.finishedAtMs).toBeGreaterThanOrEqual(finished.startedAtMs);
});

test("once settled and its log shipped, nothing of an attempt is left, and the same task is not run again", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const task = commandTask("echo", "echo hello");
	await rig.send(task);
	await rig.finished(task);
	await rig.until(() => rig.heartbeats.at(-1)?.attempts.length === 0);
	await expect.poll(() => readdir(join(rig.home.agent, "attempts")), { timeout: 20_000 }).toEqual([]);

	await rig.endAgent();
	await rig.startAgent();
	await rig.send(task);
	const next = commandTask("next", "true");
	await rig.send(next);
	await rig.finished(next);
	const ends = rig.reports.filter(({ body }) => body.kind === "attemptFinished");
	expect(ends.filter(({ body }) => body.attempt.attemptId === task.attemptId)).toHaveLength(1);
});

test("no-ops succeed in any number without a folder", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const tasks = Array.from({ length: 500 }, (_, index) => noopTask(`n${index}`));
	await Promise.all(tasks.map((task) => rig.send(task)));
	await Promise.all(tasks.map((task) => rig.finished(task)));
	expect(rig.reports).toHaveLength(500);
	expect(await readdir(join(rig.home.agent, "attempts"))).toEqual([]);
});

test.for([
	{
		name: "an exit code",
		command: "echo first >&2; echo last words >&2; exit 3",
		cause: "error",
		says: /exit code 3.*last words/s,
		exitCode: 3,
	},
	{ name: "a signal", command: "kill -SEGV $$", cause: "error", says: /SIGSEGV/, signal: "SIGSEGV" },
	{
		name: "a kill from outside",
		command: "kill -9 $$",
		cause: "error",
		says: /SIGKILL, not by runmesh/,
		signal: "SIGKILL",
	},
	{
		name: "an unknown command",
		command: "no-such-command-here",
		cause: "error",
		says: /127: a command was not found/,
		exitCode: 127,
	},
	{
		name: "binary rubbish",
		command: "printf '\\033[31mred\\007\\n\\377\\376\\n' >&2; exit 1",
		cause: "error",
		says: /ends with:\nred$/,
		exitCode: 1,
	},
	{ name: "the supervisor killed", command: "kill -9 $PPID; sleep 100", cause: "lost", says: /killed from outside/ },
] as const)("a step that ends by $name fails in plain words", async ({ command, says, name: _, ...failureShown }) => {
	const rig = await agentRig();
	await rig.startAgent();
	const task = commandTask("bad", command);
	await rig.send(task);
	const { outcome, failure } = await rig.finished(task);
	expect(outcome).toBe("failed");
	expect(failure).toMatchObject(failureShown);
	expect(failure?.message).toMatch(says);
});

test("a step can't be started, or its input not be found: the failure says which", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const action = { kind: "command", command: "x", shell: ["no-such-shell", "-c"], workdir: "" } as const;
	const interpreter = commandTask("interpreter", "x", { action: { ...action, shell: [...action.shell] } });
	const workdir = commandTask("workdir", "x", { action: { ...action, shell: ["/bin/sh", "-c"], workdir: "nowhere" } });
	const outside = commandTask("outside", "x", { outputs: [{ name: "out", path: "../../etc", asValue: false }] });
	const input = commandTask("input", "x", {
		inputs: [
			...[
				{ name: "data", digest: `sha256:${"0".repeat(64)}` as Digest, sizeBytes: 1, fileCount: 1, holders: ["gone"] },
			],
		],
	});
	for (const task of [interpreter, workdir, outside, input]) await rig.send(task);
	expect((await rig.finished(interpreter)).failure).toMatchObject({
		cause: "launch",
		message: expect.stringContaining('interpreter "no-such-shell" was not found'),
	});
	expect((await rig.finished(workdir)).failure).toMatchObject({
		cause: "launch",
		message: expect.stringContaining("is no folder of the code tree"),
	});
	expect((await rig.finished(outside)).failure).toMatchObject({
		cause: "launch",
		message: expect.stringContaining("leads outside the outputs"),
	});
	expect((await rig.finished(input)).failure).toMatchObject({
		cause: "input",
		message: expect.stringContaining('input "data" could not be brought here'),
	});
});

test("a forgotten output is named, with what is there", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const task = commandTask("forgetful", "touch $RUNMESH_OUTPUTS/other; mkdir $RUNMESH_OUTPUTS/sub", {
		outputs: [{ name: "model", path: "model.onnx", asValue: false }],
	});
	await rig.send(task);
	const { outcome, failure } = await rig.finished(task);
	expect(outcome).toBe("failed");
	expect(failure?.cause).toBe("output");
	expect(failure?.message).toBe(
		'output "model" is missing: $RUNMESH_OUTPUTS/model.onnx does not exist; the folder holds other, sub/',
	);
});

test("what does not fit is declined with the reason, and fits when there is room", async () => {
	const rig = await agentRig();
	await rig.startAgent("--cpu", "1", "--memory", "1Gi");
	const advert = await rig.advert();
	expect(advert?.capacity).toMatchObject({ cpuMillis: 1000, memoryBytes: 1024 ** 3 });
	const gate = join(rig.home.root, "gate");
	const resources = { cpuMillis: 800, memoryBytes: 1024, gpu: null, diskBytes: 0, named: {} };
	const first = commandTask("first", `until [ -e ${gate} ]; do sleep 0.05; done`, { resources });
	const second = commandTask("second", "true", { resources });
	const gpu = commandTask("gpu", "true", {
		resources: { cpuMillis: 1, memoryBytes: 1, gpu: { count: 99, memoryBytes: 0, model: "" }, diskBytes: 0, named: {} },
	});
	await rig.send(first);
	await rig.started(first);
	await rig.send(second);
	await rig.send(gpu);
	expect(await rig.declined(second)).toMatch(/^cpu: /);
	expect(await rig.declined(gpu)).toMatch(/^gpu: 99/);
	await writeFile(gate, "");
	await rig.finished(first);
	const again = commandTask("second", "true", { resources, attemptNumber: 2 });
	await rig.send(again);
	expect((await rig.finished(again)).outcome).toBe("succeeded");
});

test("a second agent on the same home is refused", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	await expect(rig.startAgent()).rejects.toMatchObject({ code: "RM_ALREADY_UP" });
});
