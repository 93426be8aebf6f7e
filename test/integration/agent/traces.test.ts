/** What one attempt does, or leaves behind, is no other's business. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isAlive, processStart } from "#shared/process.ts";
import { agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";

test("a process that hid from its attempt writes nothing into another's output or folder", async () => {
	const rig = await agentRig();
	// In a cell nothing can hide: it would be ended with its attempt.
	await rig.startAgent("--limits", "watch");
	const [gate, written] = [join(rig.home.root, "gate"), join(rig.home.root, "written")];
	const wait = `n=0; until [ -e ${gate} ] || [ $n -gt 1000 ]; do n=$((n + 1)); sleep 0.02; done`;
	const hidden = `${wait}; echo leaked; echo leaked > leaked; touch ${written}`;
	const first = commandTask("first", `env -i PATH="$PATH" setsid sh -c '${hidden}' & exit 0`);
	await rig.send(first);
	await rig.finished(first);
	await expect.poll(() => existsSync(rig.folder(first)), { timeout: 20_000 }).toBe(false);
	const until = `until [ -e ${written} ]; do sleep 0.02; done; sleep 0.2`;
	const others = Array.from({ length: 12 }, (_, index) => commandTask(`next-${index}`, `${until}; ls; exit 1`));
	rig.settling = false;
	for (const task of others) await rig.send(task);
	for (const task of others) await rig.started(task);
	writeFileSync(gate, "");
	for (const task of others) {
		await rig.finished(task);
		expect(readFileSync(join(rig.folder(task), "stdout"), "utf8")).toBe("");
	}
});

test("what a lost attempt left running ends, although agent and supervisor were killed too", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const written = join(rig.home.root, "pid");
	const task = commandTask("orphan", `echo $$ > ${written}.new; mv ${written}.new ${written}; sleep 60; true`);
	await rig.send(task);
	await expect.poll(() => existsSync(written), { timeout: 20_000 }).toBe(true);
	const pid = Number(readFileSync(written, "utf8"));
	const command = { pid, start: processStart(pid) ?? "" };
	await rig.started(task);
	const supervisor = rig.supervisor(task);
	await rig.endAgent("SIGKILL");
	process.kill(supervisor, "SIGKILL");
	expect(isAlive(command)).toBe(true);
	await rig.startAgent();
	expect(await rig.finished(task)).toMatchObject({ outcome: "failed", failure: { cause: "lost" } });
	await expect.poll(() => isAlive(command), { timeout: 20_000 }).toBe(false);
});

test("a step that signals its own group tells how it ended all the same", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const signals = ["HUP", "INT", "QUIT", "ALRM", "TERM", "USR1", "USR2"];
	const tasks = signals.map((signal) => commandTask(signal, `trap : ${signal}; kill -${signal} 0; exit 3`));
	for (const task of tasks) await rig.send(task);
	for (const task of tasks) {
		expect(await rig.finished(task)).toMatchObject({ failure: { cause: "error", exitCode: 3 } });
	}
});

test("no command is the supervisor's own", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const task = commandTask("note", "note hello");
	await rig.send(task);
	expect(await rig.finished(task)).toMatchObject({ failure: { cause: "error", exitCode: 127 } });
});
