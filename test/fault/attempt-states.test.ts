/** The agent is killed, started anew, or stands still, in every state of an attempt: it runs once, and ends as it should. */

import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { captureTree } from "#shared/blobs/tree.ts";
import type { Task } from "#shared/domain.ts";
import { type AgentRig, agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";

interface Scene {
	rig: AgentRig;
	/** What is waited for goes on when a file of that name is there. */
	gate(name: string): string;
	open(name: string): Promise<void>;
	/** Shell that leaves one line for each time it ran. */
	mark: string;
	task: Task;
}

const waitFor = (gate: string): string => `until [ -e ${gate} ]; do sleep 0.02; done`;

/** A step that comes to a halt in each of its states. */
const scene = async (): Promise<Scene> => {
	const rig = await agentRig();
	const { root } = rig.home;
	const gate = (name: string): string => join(root, `gate-${name}`);
	const mark = join(root, "ran");
	// Its packages are made by a program that waits, as a slow network would make one wait.
	const programs = join(root, "programs");
	await mkdir(programs);
	const install = `#!/bin/sh\n: >>${gate("installs")}\n${waitFor(gate("installed"))}\nmkdir -p "$3/node_modules"\n`;
	await writeFile(join(programs, "npm"), install);
	await chmod(join(programs, "npm"), 0o755);
	rig.env.PATH = `${programs}:${process.env.PATH}`;
	const code = join(root, "code");
	await mkdir(code);
	await writeFile(join(code, "package.json"), '{"name": "step", "version": "1.0.0"}');
	await writeFile(join(code, "package-lock.json"), '{"name": "step", "version": "1.0.0", "lockfileVersion": 3}');
	const command = [
		`echo once >>${mark}`,
		`trap '${waitFor(gate("stopped"))}; exit 0' TERM`,
		"echo begins",
		waitFor(gate("ran")),
		// Many files: taking them takes a while.
		'mkdir "$RUNMESH_OUTPUTS/out" && cd "$RUNMESH_OUTPUTS/out"',
		"i=0; while [ $i -lt 3000 ]; do echo $i >$i; i=$((i+1)); done",
		"echo ends",
	].join("\n");
	const task = commandTask("states", command, {
		code: await captureTree(rig.store, code, "code", "coordinator"),
		environment: { kind: "node", file: ".", packages: [], version: "" },
		outputs: [{ name: "out", path: "out", asValue: false }],
		graceMs: 60_000,
	});
	await rig.startAgent();
	return { rig, gate, open: (name) => writeFile(gate(name), ""), mark, task };
};

const exists = (path: string): Promise<void> =>
	expect.poll(() => existsSync(path), { timeout: 30_000, interval: 20 }).toBe(true);

const disturbances: Record<string, (rig: AgentRig) => Promise<unknown>> = {
	"is killed": async (rig) => {
		await rig.endAgent("SIGKILL");
		await rig.startAgent();
	},
	"is started anew": async (rig) => {
		await rig.endAgent("SIGTERM");
		await rig.startAgent();
	},
	"stands still for a while": async (rig) => {
		const child = rig.agent();
		child.kill("SIGSTOP");
		await delay(500);
		child.kill("SIGCONT");
	},
};

describe.each(Object.keys(disturbances))("the agent %s", (how) => {
	const disturb = (rig: AgentRig): Promise<unknown> => (disturbances[how] as (rig: AgentRig) => Promise<unknown>)(rig);

	test("while an attempt is set up, runs, and its outputs are taken: one execution, all of its output", async () => {
		const { rig, gate, open, mark, task } = await scene();
		rig.settling = false;
		await rig.send(task);

		await exists(gate("installs"));
		await disturb(rig);
		expect(existsSync(mark)).toBe(false);
		await open("installed");

		await exists(mark);
		await disturb(rig);
		await open("ran");

		await expect.poll(() => rig.hasEnded(task), { timeout: 30_000, interval: 5 }).toBe(true);
		await disturb(rig);

		const finished = await rig.finished(task);
		expect(finished).toMatchObject({ outcome: "succeeded", outputs: [{ name: "out", fileCount: 3000 }] });
		expect(await readFile(mark, "utf8")).toBe("once\n");
		expect(await readFile(join(rig.folder(task), "stdout"), "utf8")).toBe("begins\nends\n");

		// What is finished stays so, until the journal has it.
		await disturb(rig);
		await rig.until(() => rig.heartbeats.at(-1)?.attempts[0]?.phase === "finished");
		await rig.send(task);
		rig.settling = true;
		await rig.until(() => rig.heartbeats.at(-1)?.attempts.length === 0);
		await expect.poll(() => existsSync(rig.folder(task)), { timeout: 30_000 }).toBe(false);
		expect(await readFile(mark, "utf8")).toBe("once\n");
	});

	test("while an attempt is stopped: the stop goes on, and is what it ended by", async () => {
		const { rig, open, mark, task } = await scene();
		await open("installed");
		await rig.send(task);
		await exists(mark);
		await rig.started(task);
		rig.control([{ attemptId: task.attemptId, reason: "not needed" }]);
		await exists(join(rig.folder(task), "stop.json"));
		await disturb(rig);
		await open("stopped");
		expect(await rig.finished(task)).toMatchObject({ outcome: "cancelled", failure: null });
		expect(await readFile(mark, "utf8")).toBe("once\n");
	});

	test("while an attempt is set up that is stopped then: it never starts", async () => {
		const { rig, gate, mark, task } = await scene();
		await rig.send(task);
		await exists(gate("installs"));
		await disturb(rig);
		await rig.until(() => rig.heartbeats.at(-1)?.attempts.length === 1);
		rig.control([{ attemptId: task.attemptId, reason: "not needed" }]);
		expect(await rig.finished(task)).toMatchObject({ outcome: "cancelled", failure: null });
		expect(existsSync(mark)).toBe(false);
	});
});
