/** Agents die at any moment; attempts do not, and none runs twice. */

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { taskCodec } from "#shared/wire/codec.ts";
import { agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";

const waitFor = (gate: string): string => `until [ -e ${gate} ]; do sleep 0.05; done`;

test("an attempt in full run survives the agent's SIGKILL: one execution, its output whole", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const gate = join(rig.home.root, "gate");
	const ran = join(rig.home.root, "ran");
	const task = commandTask(
		"long",
		`echo once >> ${ran}; echo before; ${waitFor(gate)}; echo after; echo result > $RUNMESH_OUTPUTS/out`,
		{ outputs: [{ name: "out", path: "out" }] },
	);
	await rig.send(task);
	await rig.started(task);
	rig.settling = false;
	await rig.endAgent("SIGKILL");
	await rig.startAgent();
	await rig.until(() => rig.heartbeats.at(-1)?.attempts[0]?.phase === "running");
	await rig.send(task);
	await writeFile(gate, "");
	const finished = await rig.finished(task);
	expect(finished).toMatchObject({ outcome: "succeeded", outputs: [{ name: "out" }] });
	expect(await readFile(ran, "utf8")).toBe("once\n");
	expect(await readFile(join(rig.folder(task), "stdout"), "utf8")).toBe("before\nafter\n");
});

test("an attempt that ended while no agent ran is found and reported", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const gate = join(rig.home.root, "gate");
	const task = commandTask("alone", `${waitFor(gate)}; echo gone >&2; exit 4`);
	await rig.send(task);
	await rig.started(task);
	await rig.endAgent("SIGKILL");
	await writeFile(gate, "");
	await expect.poll(() => existsSync(join(rig.folder(task), "exit")), { timeout: 20_000 }).toBe(true);
	await rig.startAgent();
	const { outcome, failure } = await rig.finished(task);
	expect(outcome).toBe("failed");
	expect(failure).toMatchObject({ cause: "error", exitCode: 4, message: expect.stringContaining("gone") });
});

test("an outcome is kept over restarts, and reported until it is settled", async () => {
	const rig = await agentRig();
	rig.settling = false;
	await rig.startAgent();
	const task = commandTask("kept", "true");
	await rig.send(task);
	const first = await rig.finished(task);
	await rig.endAgent("SIGKILL");
	rig.reports.length = 0;
	await rig.startAgent();
	await rig.until(() => rig.heartbeats.at(-1)?.attempts[0]?.phase === "finished");
	// The same report once more: the stream knows its id, so only the heartbeat shows it.
	await rig.send(task);
	rig.settling = true;
	await rig.until(() => rig.heartbeats.at(-1)?.attempts.length === 0);
	expect(first.outcome).toBe("succeeded");
});

test("an agent that died with a task on its disk and nothing launched launches it, once", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	await rig.endAgent("SIGKILL");
	const ran = join(rig.home.root, "ran");
	const task = commandTask("kept", `echo once >> ${ran}`);
	await mkdir(rig.folder(task), { recursive: true });
	await writeFile(join(rig.folder(task), "task.bin"), taskCodec.encode(task));
	await rig.startAgent();
	expect((await rig.finished(task)).outcome).toBe("succeeded");
	expect(await readFile(ran, "utf8")).toBe("once\n");
});

test("a claim keeps every other supervisor out", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const gate = join(rig.home.root, "gate");
	const ran = join(rig.home.root, "ran");
	const task = commandTask("claimed", `echo once >> ${ran}; ${waitFor(gate)}`);
	await rig.send(task);
	await rig.started(task);
	const supervisor = fileURLToPath(new URL("../../../agent/runner/supervise.sh", import.meta.url));
	execFileSync("/bin/sh", [supervisor, task.attemptId, rig.folder(task)]);
	await writeFile(gate, "");
	expect((await rig.finished(task)).outcome).toBe("succeeded");
	expect(await readFile(ran, "utf8")).toBe("once\n");
});

test("the launcher dies: what it started goes on, and another one takes its place", async () => {
	const rig = await agentRig();
	const agent = await rig.startAgent();
	const gate = join(rig.home.root, "gate");
	const running = commandTask("running", `${waitFor(gate)}; exit 7`);
	await rig.send(running);
	await rig.started(running);
	const children = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(agent.pid)], { encoding: "utf8" });
	const launcher = children.split("\n").find((line) => line.includes("launcher.sh"));
	process.kill(Number.parseInt(launcher ?? "", 10), "SIGKILL");
	await writeFile(gate, "");
	expect((await rig.finished(running)).failure).toMatchObject({ exitCode: 7 });
	const next = commandTask("next", "true");
	await rig.send(next);
	expect((await rig.finished(next)).outcome).toBe("succeeded");
});

test("SIGTERM ends the agent at once and no attempt", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const gate = join(rig.home.root, "gate");
	const task = commandTask("stays", `${waitFor(gate)}; exit 0`);
	await rig.send(task);
	await rig.started(task);
	expect(await rig.endAgent("SIGTERM")).toBe(0);
	const [, pid] = (await readFile(join(rig.folder(task), "process"), "utf8")).split(" ");
	expect(execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" })).toContain(task.attemptId);
	await rig.startAgent();
	await writeFile(gate, "");
	expect((await rig.finished(task)).outcome).toBe("succeeded");
});

test("nats-server goes away and comes back: what ended meanwhile is reported, new tasks are taken", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const gate = join(rig.home.root, "gate");
	const task = commandTask("through", waitFor(gate));
	await rig.send(task);
	await rig.started(task);
	await rig.nats.kill();
	await writeFile(gate, "");
	await expect.poll(() => existsSync(join(rig.folder(task), "outcome.bin")), { timeout: 20_000 }).toBe(true);
	await rig.nats.restart();
	expect((await rig.finished(task)).outcome).toBe("succeeded");
	const next = commandTask("next", "true");
	await rig.send(next);
	expect((await rig.finished(next)).outcome).toBe("succeeded");
});
