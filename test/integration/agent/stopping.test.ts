/** Stops and timeouts, and that nothing of an attempt stays behind. */

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Digest } from "#shared/ids.ts";
import { agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";

const isRunning = (pid: string): boolean => {
	try {
		const state = execFileSync("ps", ["-o", "stat=", "-p", pid.trim()], { encoding: "utf8" });
		return !state.startsWith("Z");
	} catch {
		return false;
	}
};

test("children of a step are gone when it is over, those in sessions of their own too", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const pids = join(rig.home.root, "pids");
	const task = commandTask(
		"parent",
		`sleep 1000 & echo $! >> ${pids}
		setsid sh -c 'echo $$ >> ${pids}; exec sleep 1000' &
		(setsid setsid sh -c 'echo $$ >> ${pids}; trap "" TERM; while :; do sleep 1; done' &)
		until [ $(wc -l < ${pids}) = 3 ]; do sleep 0.05; done`,
	);
	await rig.send(task);
	expect((await rig.finished(task)).outcome).toBe("succeeded");
	const left = (await readFile(pids, "utf8")).trim().split("\n");
	expect(left).toHaveLength(3);
	expect(left.filter(isRunning)).toEqual([]);
});

test("a stop by control ends a step with SIGTERM: it may put its things in order", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const tidy = join(rig.home.root, "tidy");
	const task = commandTask("polite", `trap 'echo done > ${tidy}; exit 0' TERM; while :; do sleep 0.05; done`);
	await rig.send(task);
	await rig.started(task);
	rig.control([{ attemptId: task.attemptId, reason: "the run was cancelled" }]);
	const { outcome, failure } = await rig.finished(task);
	expect({ outcome, failure }).toEqual({ outcome: "cancelled", failure: null });
	expect(await readFile(tidy, "utf8")).toBe("done\n");
});

test("a stop by a heartbeat's answer ends a step that ignores SIGTERM, after its grace", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const task = commandTask("deaf", `trap '' TERM; echo deaf; while :; do sleep 0.1; done`, { graceMs: 300 });
	await rig.send(task);
	await rig.started(task);
	rig.stop.push({ attemptId: task.attemptId, reason: "superseded" });
	expect((await rig.finished(task)).outcome).toBe("cancelled");
});

test("a timeout is a stop of our own", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const task = commandTask("slow", "echo working >&2; trap '' TERM; while :; do sleep 0.1; done", {
		timeoutMs: 500,
		graceMs: 200,
	});
	await rig.send(task);
	const { outcome, failure } = await rig.finished(task);
	expect(outcome).toBe("failed");
	expect(failure).toMatchObject({ cause: "timeout" });
	expect(failure?.message).toMatch(/longer than its timeout of 500ms.*working/s);
});

test("a stop goes on over the agent's own death, and is not taken for a failure", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const trapped = join(rig.home.root, "trapped");
	const task = commandTask("stubborn", `trap 'touch ${trapped}' TERM; while :; do sleep 0.05; done`, {
		graceMs: 3_000,
	});
	await rig.send(task);
	await rig.started(task);
	rig.control([{ attemptId: task.attemptId, reason: "the run was cancelled" }]);
	await expect.poll(() => existsSync(trapped), { timeout: 20_000 }).toBe(true);
	await rig.endAgent("SIGKILL");
	await rig.startAgent();
	expect((await rig.finished(task)).outcome).toBe("cancelled");
});

test("no grace at all: a step that ignores SIGTERM is gone at once", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const task = commandTask("hasty", `trap '' TERM; while :; do sleep 0.05; done`, { graceMs: 0 });
	await rig.send(task);
	await rig.started(task);
	rig.control([{ attemptId: task.attemptId, reason: "the run was cancelled" }]);
	expect((await rig.finished(task)).outcome).toBe("cancelled");
});

test("an hour of grace: a step saves its state in peace, over the agent's own death", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const [trapped, gate, saved] = ["trapped", "gate", "saved"].map((name) => join(rig.home.root, name)) as [
		string,
		string,
		string,
	];
	const save = `touch ${trapped}; until [ -e ${gate} ]; do sleep 0.05; done; echo saved >> ${saved}; exit 0`;
	const task = commandTask("patient", `trap '${save}' TERM; while :; do sleep 0.05; done`, { graceMs: 3_600_000 });
	await rig.send(task);
	await rig.started(task);
	rig.control([{ attemptId: task.attemptId, reason: "the run was cancelled" }]);
	await expect.poll(() => existsSync(trapped), { timeout: 20_000 }).toBe(true);
	await rig.endAgent("SIGKILL");
	await rig.startAgent();
	await rig.until(() => rig.heartbeats.at(-1)?.attempts[0]?.phase === "running");
	await writeFile(gate, "");
	expect((await rig.finished(task)).outcome).toBe("cancelled");
	expect(await readFile(saved, "utf8")).toBe("saved\n");
});

test("a grace that passed while no agent ran is over", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const trapped = join(rig.home.root, "trapped");
	const task = commandTask("deaf", `trap 'touch ${trapped}' TERM; while :; do sleep 0.05; done`, {
		graceMs: 3_600_000,
	});
	await rig.send(task);
	await rig.started(task);
	rig.control([{ attemptId: task.attemptId, reason: "the run was cancelled" }]);
	await expect.poll(() => existsSync(trapped), { timeout: 20_000 }).toBe(true);
	await rig.endAgent("SIGKILL");
	const record = join(rig.folder(task), "stop.json");
	const stop = JSON.parse(await readFile(record, "utf8"));
	await writeFile(record, JSON.stringify({ ...stop, atMs: stop.atMs - 3_600_000 }));
	await rig.startAgent();
	expect((await rig.finished(task)).outcome).toBe("cancelled");
});

test("a stop before the start: one that waits for its input never starts", async () => {
	// A peer that takes the call and says nothing.
	const silent = createServer(() => undefined).listen(0, "127.0.0.1");
	await once(silent, "listening");
	onTestFinished(() => void silent.close());
	const rig = await agentRig();
	await rig.startAgent("--coordinator", `127.0.0.1:${(silent.address() as AddressInfo).port}`);
	const ran = join(rig.home.root, "ran");
	const task = commandTask("early", `touch ${ran}`, {
		inputs: [{ name: "data", digest: `sha256:${"1".repeat(64)}` as Digest, sizeBytes: 1, fileCount: 1, holders: [] }],
	});
	await rig.send(task);
	await rig.until(() => rig.heartbeats.at(-1)?.attempts[0]?.phase === "preparing");
	rig.control([{ attemptId: task.attemptId, reason: "the run was cancelled" }]);
	expect((await rig.finished(task)).outcome).toBe("cancelled");
	expect(existsSync(ran)).toBe(false);
	expect(rig.reports.some(({ body }) => body.kind === "attemptStarted")).toBe(false);
});

test("a stop that overtakes its task", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const ran = join(rig.home.root, "ran");
	const task = commandTask("overtaken", `touch ${ran}`);
	rig.stop.push({ attemptId: task.attemptId, reason: "the run was cancelled" });
	const heard = rig.heartbeats.length;
	await rig.until(() => rig.heartbeats.length > heard + 1);
	await rig.send(task);
	expect((await rig.finished(task)).outcome).toBe("cancelled");
	expect(existsSync(ran)).toBe(false);
});

test("a newer attempt of the step stops the older one", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const old = commandTask("step", "sleep 1000");
	await rig.send(old);
	await rig.started(old);
	const newer = commandTask("step", "true", { attemptNumber: 2 });
	await rig.send(newer);
	expect((await rig.finished(old)).outcome).toBe("cancelled");
	expect((await rig.finished(newer)).outcome).toBe("succeeded");
	const late = commandTask("step", "true", { attemptNumber: 1, fence: 1 });
	await rig.send({ ...late, attemptId: `${late.runId}.step.0` as typeof late.attemptId });
	await writeFile(join(rig.home.root, "x"), "");
	const last = commandTask("last", "true");
	await rig.send(last);
	await rig.finished(last);
	expect(rig.reports.some(({ body }) => body.attempt.attemptId.endsWith("step.0"))).toBe(false);
});
