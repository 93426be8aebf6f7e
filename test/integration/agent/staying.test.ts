/** How long an agent stays: once, while it has something to do, until it is drained; and how it goes. */

import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type AgentRig, agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";

/** Starts it; resolves, when it has ended, with its exit code and what it said on the way. */
const startToItsEnd = async (rig: AgentRig, ...flags: string[]) => {
	const child = await rig.startAgent(...flags);
	const messages: unknown[] = [];
	child.on("message", (message) => messages.push(message));
	return once(child, "exit").then(([code]) => ({ code: code as number | null, messages }));
};

test("--once takes one task, sees it settled, and leaves nothing of itself in the mesh", async () => {
	const rig = await agentRig();
	const ended = startToItsEnd(rig, "--once");
	const first = commandTask("first", "sleep 0.3");
	await rig.send(first);
	await rig.started(first);
	const second = commandTask("second", "true");
	await rig.send(second);
	expect(await rig.declined(second)).toMatch(/one task/);
	expect((await rig.finished(first)).outcome).toBe("succeeded");
	expect(await ended).toEqual({ code: 0, messages: [{ left: true }] });
	expect(await rig.advert()).toBe(null);
	expect(rig.heartbeats.at(-1)).toMatchObject({ draining: true, attempts: [] });
	expect(existsSync(rig.folder(first))).toBe(false);
});

test("--idle-exit waits for work to end, and for the time after it", async () => {
	const rig = await agentRig();
	const ended = startToItsEnd(rig, "--idle-exit", "1500ms");
	const task = commandTask("one", "sleep 2");
	await rig.send(task);
	expect((await rig.finished(task)).outcome).toBe("succeeded");
	expect((await ended).code).toBe(0);
	expect(await rig.advert()).toBe(null);
});

test("drained and asked to leave, it goes when what runs is over", async () => {
	const rig = await agentRig();
	const ended = startToItsEnd(rig);
	const task = commandTask("one", "sleep 0.5");
	await rig.send(task);
	await rig.started(task);
	rig.leave = true;
	expect((await rig.finished(task)).outcome).toBe("succeeded");
	expect((await ended).code).toBe(0);
	expect(await rig.advert()).toBe(null);
});

test("stopped by a signal it keeps its place in the mesh, and its attempts run on", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const mark = join(rig.home.root, "mark");
	const task = commandTask("one", `until [ -e ${mark} ]; do sleep 0.05; done`);
	await rig.send(task);
	await rig.started(task);
	expect(await rig.endAgent("SIGTERM")).toBe(0);
	expect(await rig.advert()).not.toBe(null);
	expect(() => process.kill(rig.supervisor(task), 0)).not.toThrow();
	await rig.startAgent();
	rig.control([{ attemptId: task.attemptId, reason: "enough" }]);
	expect((await rig.finished(task)).outcome).toBe("cancelled");
});

test("a second signal ends it at once, though NATS does not answer", async () => {
	const rig = await agentRig();
	const child = await rig.startAgent();
	process.kill(rig.nats.pid, "SIGSTOP");
	const ended = once(child, "exit");
	child.kill("SIGTERM");
	child.kill("SIGINT");
	expect((await ended)[0]).toBe(0);
	process.kill(rig.nats.pid, "SIGCONT");
});

test("its own log goes to the file that it is told, and steps see what it is told to pass", async () => {
	const rig = await agentRig();
	const path = join(rig.home.root, "logs", "agent.log");
	rig.env.WANDB_MODE = "offline";
	rig.env.SECRET_OF_OURS = "secret";
	await rig.startAgent("--log-file", path, "--pass-env", "WANDB_MODE,NOT_SET");
	const seen = join(rig.home.root, "seen");
	const task = commandTask("one", `echo "$WANDB_MODE/$SECRET_OF_OURS/$NOT_SET" > ${seen}`);
	await rig.send(task);
	expect((await rig.finished(task)).outcome).toBe("succeeded");
	expect(readFileSync(seen, "utf8")).toBe("offline//\n");
	expect(readFileSync(path, "utf8")).toContain('"msg":"ready"');
});
