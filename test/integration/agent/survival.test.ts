/** Agents die at any moment; attempts do not, and none runs twice. */

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { processStart } from "#shared/process.ts";
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
		{ outputs: [{ name: "out", path: "out", asValue: false }] },
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
	await expect.poll(() => rig.hasEnded(task), { timeout: 20_000 }).toBe(true);
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

test("a supervisor that is not named leaves the attempt alone", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const gate = join(rig.home.root, "gate");
	const ran = join(rig.home.root, "ran");
	const task = commandTask("named", `echo once >> ${ran}; ${waitFor(gate)}`);
	await rig.send(task);
	await rig.started(task);
	const supervisor = fileURLToPath(new URL("../../../agent/runner/processes/supervise.sh", import.meta.url));
	const told = { input: `${task.attemptId}\n`, encoding: "utf8" } as const;
	expect(execFileSync("/bin/sh", [supervisor, dirname(rig.folder(task))], told)).toMatch(/^ready .*\ntaken\n$/);
	await writeFile(gate, "");
	expect((await rig.finished(task)).outcome).toBe("succeeded");
	expect(await readFile(ran, "utf8")).toBe("once\n");
});

test("an agent killed again and again among short steps: each command starts once, and none is lost", async () => {
	const rig = await agentRig();
	const ran = join(rig.home.root, "ran");
	const resources = { cpuMillis: 10, memoryBytes: 1024, gpu: null, diskBytes: 0, named: {} };
	const tasks = Array.from({ length: 120 }, (_, index) =>
		commandTask(`s${index}`, `echo s${index} >> ${ran}`, { resources }),
	);
	for (const some of [tasks.slice(0, 40), tasks.slice(40, 80), tasks.slice(80)]) {
		await rig.startAgent();
		await Promise.all(some.map(rig.send));
		const before = rig.reports.length;
		await rig.until(() => rig.reports.length >= before + 10);
		await rig.endAgent("SIGKILL");
	}
	await rig.startAgent();
	for (const task of tasks) expect((await rig.finished(task)).outcome).toBe("succeeded");
	const lines = (await readFile(ran, "utf8")).trim().split("\n");
	expect(lines.toSorted()).toEqual(tasks.map(({ stepKey }) => stepKey as string).toSorted());
});

test("supervisors that wait are killed: others take their place", async () => {
	const rig = await agentRig();
	const agent = await rig.startAgent();
	const gate = join(rig.home.root, "gate");
	const running = commandTask("running", `${waitFor(gate)}; exit 7`);
	await rig.send(running);
	await rig.started(running);
	const busy = rig.supervisor(running);
	const children = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(agent.pid)], { encoding: "utf8" });
	const supervisors = children.split("\n").filter((line) => line.includes("supervise.sh"));
	for (const pid of supervisors.map((line) => Number.parseInt(line, 10))) {
		if (pid !== busy) process.kill(pid, "SIGKILL");
	}
	await writeFile(gate, "");
	expect((await rig.finished(running)).failure).toMatchObject({ exitCode: 7 });
	const next = commandTask("next", "true");
	await rig.send(next);
	expect((await rig.finished(next)).outcome).toBe("succeeded");
});

test("a supervisor is killed while its command runs: the command ends, and the attempt is lost", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const pidFile = join(rig.home.root, "pid");
	const task = commandTask("orphan", `echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 300`);
	await rig.send(task);
	await rig.started(task);
	await expect.poll(() => existsSync(pidFile)).toBe(true);
	process.kill(rig.supervisor(task), "SIGKILL");
	expect((await rig.finished(task)).failure).toMatchObject({ cause: "lost" });
	expect(processStart(Number(await readFile(pidFile, "utf8")))).toBeNull();
});

test("one supervisor runs attempts one after the other, and nothing of one is seen by the next", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const first = commandTask("first", "MINE=1; export MINE; cd /; umask 077; echo $$; exit 3", { env: { OWN: "1" } });
	await rig.send(first);
	await rig.finished(first);
	const second = commandTask("second", "env; pwd; umask");
	await rig.send(second);
	await rig.finished(second);
	const output = await readFile(join(rig.folder(second), "stdout"), "utf8");
	expect(output).not.toMatch(/^(MINE|OWN)=|first|^\/$|077/m);
	expect(output).toMatch(new RegExp(`^PWD=.*${second.attemptId}/work$`, "m"));
	const supervisors = new Set([rig.supervisor(first), rig.supervisor(second)]);
	for (const step of ["third", "fourth"]) {
		const task = commandTask(step, "true");
		await rig.send(task);
		await rig.finished(task);
		supervisors.add(rig.supervisor(task));
	}
	expect(supervisors.size).toBeLessThan(4);
});

test("SIGTERM ends the agent at once and no attempt", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const gate = join(rig.home.root, "gate");
	const task = commandTask("stays", `${waitFor(gate)}; exit 0`);
	await rig.send(task);
	await rig.started(task);
	expect(await rig.endAgent("SIGTERM")).toBe(0);
	expect(processStart(rig.supervisor(task))).not.toBeNull();
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
	await expect.poll(() => rig.hasEnded(task), { timeout: 20_000 }).toBe(true);
	await rig.nats.restart();
	expect((await rig.finished(task)).outcome).toBe("succeeded");
	const next = commandTask("next", "true");
	await rig.send(next);
	expect((await rig.finished(next)).outcome).toBe("succeeded");
});
