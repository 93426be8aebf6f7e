/** Steps that bring packages, on a real agent: set-up is told in the log, ends with the attempt, and survives the agent. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { captureTree } from "#shared/blobs/tree.ts";
import type { StepEnvironment, Task } from "#shared/domain.ts";
import { type AgentRig, agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";
import { fakeConda, makes } from "#test/support/fake-conda.ts";
import { newFolder, processesNaming, removeFolder } from "#test/support/test-folder.ts";
import { readsShow } from "#test/support/watched-code.ts";

const conda: StepEnvironment = { kind: "conda", file: "environment.yml", packages: [], version: "" };

/** Until `$tools/go` is there. */
const waits =
	'echo "solving $$" >>"$tools/begun"; echo solving; until [ -e "$tools/go" ]; do sleep 0.02; done; echo solved';

interface Bench extends AgentRig {
	tools: string;
	/** What is captured as the code. */
	sources: string;
	task(step: string, command: string, more?: Partial<Task>): Task;
	/** Resolves once it is in the log that has arrived. */
	heard(task: Task, words: string): Promise<string>;
	log(task: Task): Promise<string>;
	environments(): string[];
}

const bench = async (script: string): Promise<Bench> => {
	const tools = fakeConda(script);
	const folder = newFolder();
	onTestFinished(() => removeFolder(folder));
	const rig = await agentRig();
	mkdirSync(join(folder, "code"));
	writeFileSync(join(folder, "code", "environment.yml"), "dependencies: [hello]\n");
	const code = await captureTree(rig.store, join(folder, "code"), "code", "coordinator");
	rig.env.PATH = `${tools}:${process.env.PATH}`;
	const root = join(rig.home.agent, "environments");
	const log = async (task: Task): Promise<string> => {
		let text = "";
		for await (const { data } of rig.logs.read(task.attemptId, { follow: true })) text += Buffer.from(data).toString();
		return text;
	};
	return Object.assign(rig, {
		tools,
		sources: join(folder, "code"),
		log,
		task: (step: string, command: string, more: Partial<Task> = {}) =>
			commandTask(step, command, { code, environment: conda, ...more }),
		heard: async (task: Task, words: string) => {
			let text = "";
			for await (const { data } of rig.logs.read(task.attemptId, { follow: true })) {
				text += Buffer.from(data).toString();
				if (text.includes(words)) break;
			}
			return text;
		},
		environments: () => (existsSync(root) ? readdirSync(root) : []),
	});
};

const until = async (holds: () => boolean): Promise<void> => {
	while (!holds()) await delay(10);
};

test("setting up is heard while it goes on, is no part of the run, and comes once", async () => {
	const {
		tools,
		task,
		send,
		finished,
		heard,
		log,
		heartbeats,
		until: told,
		...rig
	} = await bench(`${waits}; ${makes}`);
	await rig.startAgent();
	const greet = task("greet", "hello; echo own >&2");
	await send(greet);
	expect(await heard(greet, "solving\n")).toMatch(
		/^runmesh: makes the conda environment [0-9a-f]+\n\$ micromamba create/,
	);
	await told(() => heartbeats.at(-1)?.attempts.some(({ phase }) => phase === "preparing") === true);
	writeFileSync(join(tools, "go"), "");
	const { outcome, usage } = await finished(greet);
	expect(outcome).toBe("succeeded");
	expect(usage?.setupMs).toBeGreaterThan(0);
	const text = await log(greet);
	for (const line of ["solving", "solved", "from conda", "own"]) expect(text.split("\n")).toContain(line);
	expect(text.match(/solving/g)).toHaveLength(1);
});

test("a step that says nothing is not said to have ended with its set-up's words", async () => {
	const { task, send, finished, ...rig } = await bench(`echo noise; ${makes}`);
	await rig.startAgent();
	const quiet = task("quiet", "exit 3");
	await send(quiet);
	expect((await finished(quiet)).failure?.message).toBe("exit code 3");
});

test("packages that can't be had fail the step by the cause `setup`, with all that was said in its log", async () => {
	const { task, send, finished, log, environments, ...rig } = await bench("echo no such package: hello >&2; exit 1");
	await rig.startAgent();
	const step = task("step", "hello");
	await send(step);
	const { failure, outcome } = await finished(step);
	expect(outcome).toBe("failed");
	expect(failure).toMatchObject({ cause: "setup", message: expect.stringContaining("no such package: hello") });
	expect(await log(step)).toContain("no such package: hello");
	expect(environments()).toEqual([]);
});

test("cancelled while it is set up, nothing of it goes on", async () => {
	const { task, send, finished, heard, control, environments, home, ...rig } = await bench(waits);
	await rig.startAgent();
	const step = task("step", "hello");
	await send(step);
	await heard(step, "solving\n");
	control([{ attemptId: step.attemptId, reason: "not wanted" }]);
	expect((await finished(step)).outcome).toBe("cancelled");
	await until(() => environments().length === 0 && processesNaming(`${home.agent}/environments`).length === 0);
});

test("an agent killed while it sets up sets up anew, and leaves no process behind", async () => {
	const { tools, task, send, finished, heard, environments, home, log, ...rig } = await bench(`${waits}; ${makes}`);
	await rig.startAgent();
	const step = task("step", "hello");
	await send(step);
	await heard(step, "solving\n");
	await rig.endAgent("SIGKILL");
	const [first] = processesNaming(`${home.agent}/environments`);
	expect(first).toBeDefined();
	await rig.startAgent();
	await until(() => !processesNaming(`${home.agent}/environments`).some(({ pid }) => pid === first?.pid));
	writeFileSync(join(tools, "go"), "");
	expect((await finished(step)).outcome).toBe("succeeded");
	expect(environments()).toHaveLength(1);
	expect((await log(step)).match(/solved/g)).toHaveLength(1);
});

test("one in use stays, whatever the agent is restarted with; when it is over it goes", async () => {
	const { tools, task, send, finished, started, environments, ...rig } = await bench(makes);
	await rig.startAgent();
	const step = task("step", 'until [ -e "$TOOLS/go" ]; do sleep 0.02; done; hello', { env: { TOOLS: tools } });
	await send(step);
	await started(step);
	await rig.endAgent("SIGKILL");
	await rig.startAgent("--environments-max", "1Ki");
	expect(environments()).toHaveLength(1);
	writeFileSync(join(tools, "go"), "");
	expect((await finished(step)).outcome).toBe("succeeded");
	await until(() => environments().length === 0);
});

test("an agent that ends cleanly ends what it was setting up", async () => {
	const { task, send, heard, home, ...rig } = await bench(waits);
	await rig.startAgent();
	const step = task("step", "hello");
	await send(step);
	await heard(step, "solving\n");
	expect(await rig.endAgent("SIGTERM")).toBe(0);
	await until(() => processesNaming(`${home.agent}/environments`).length === 0);
});

test("steps that ask for the same wait for one, and each log tells of it", async () => {
	const { tools, task, send, finished, heard, log, environments, ...rig } = await bench(`${waits}; ${makes}`);
	await rig.startAgent();
	const steps = ["one", "two", "three"].map((name) => task(name, "hello >&2"));
	for (const step of steps) await send(step);
	for (const step of steps) await heard(step, "solving\n");
	writeFileSync(join(tools, "go"), "");
	for (const step of steps) {
		expect((await finished(step)).outcome).toBe("succeeded");
		expect(await log(step)).toMatch(
			/^runmesh: makes .*\nsolving\nsolved\nrunmesh: .* is ready after .*\nfrom conda\n$/s,
		);
	}
	expect(environments()).toHaveLength(1);
	expect(readFileSync(join(tools, "begun"), "utf8").split("\n")).toHaveLength(2);
});

test.skipIf(!readsShow)(
	"the file that says the packages counts as read; with files of the code among them, all of it",
	async () => {
		const { task, send, finished, store, sources, ...rig } = await bench(makes);
		await rig.startAgent();
		const one = task("one", "true", { trackCode: true });
		await send(one);
		expect((await finished(one)).codeUse?.paths).toEqual(["./", "environment.yml"]);
		writeFileSync(join(sources, "environment.yml"), "dependencies: [pip, {pip: [./lib]}]\n- ./lib\n");
		const code = await captureTree(store, sources, "code", "coordinator");
		const two = task("two", "true", { trackCode: true, code });
		await send(two);
		expect(await finished(two)).toMatchObject({ outcome: "succeeded", codeUse: null });
	},
);
