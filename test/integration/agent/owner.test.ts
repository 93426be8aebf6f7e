/** The owner's rights over the machine, with real processes: nothing new is taken, what runs stands still or ends. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Readable } from "node:stream";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Heartbeat } from "#shared/domain.ts";
import { fieldsOfStat } from "#shared/process.ts";
import { type AgentRig, agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";
import { withoutCells } from "#test/support/cells.ts";

const GiB = 1024 ** 3;
const names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** Never now, however long the test takes. */
const otherTimes = (): string => `${names[(new Date().getDay() + 3) % 7]} 12:00-13:00`;
const closedFlags = (onClose: string): string[] => ["--available", otherTimes(), "--on-close", onClose];
const reason = (): string => `its owner gives it only at these times: ${otherTimes()}`;

const heard = async (rig: AgentRig, holds: (heartbeat: Heartbeat) => boolean): Promise<Heartbeat> => {
	const from = rig.heartbeats.length;
	const find = (): Heartbeat | undefined => rig.heartbeats.slice(from).find(holds);
	await rig.until(() => find() !== undefined);
	return find() as Heartbeat;
};

/** States of all processes of its session but the supervisor. */
const statesOf = (supervisor: number): string[] =>
	readdirSync("/proc").flatMap((name) => {
		if (!(Number(name) > 0) || Number(name) === supervisor) return [];
		try {
			const fields = fieldsOfStat(readFileSync(`/proc/${name}/stat`, "latin1"));
			return Number(fields[3]) === supervisor && fields[0] !== "Z" ? [fields[0] ?? ""] : [];
		} catch {
			return [];
		}
	});

const until = (holds: () => boolean): Promise<boolean> => vi.waitUntil(holds, { timeout: 50_000, interval: 20 });
const standsStill = (supervisor: number): boolean => {
	const states = statesOf(supervisor);
	return states.length > 1 && states.every((state) => state === "T");
};

/** Writes for ever, in a process of its own beside its shell; ends by itself when told by a file. */
const writing = commandTask("writing", "(while [ ! -e enough ]; do echo more; sleep 0.01; done) & wait; echo done", {
	graceMs: 20_000,
});

/** The agent comes back with other flags while the attempt runs. */
const runningThenClosed = async (
	onClose: string,
): Promise<{ rig: AgentRig; supervisor: number; written(): number }> => {
	const rig = await agentRig();
	await rig.startAgent();
	await rig.send(writing);
	await rig.started(writing);
	const written = (): number => statSync(`${rig.folder(writing)}/stdout`).size;
	await until(() => written() > 0);
	await rig.endAgent();
	await rig.startAgent(...closedFlags(onClose));
	return { rig, supervisor: rig.supervisor(writing), written };
};

test("outside the owner's hours an agent says why, and declines", async () => {
	const rig = await agentRig();
	await rig.startAgent(...closedFlags("finish"));
	expect((await heard(rig, ({ closed }) => closed !== "")).closed).toBe(reason());
	await rig.send(writing);
	expect(await rig.declined(writing)).toBe(reason());
});

test.runIf(process.platform === "linux")("what is paused stands still, and goes on when the agent opens", async () => {
	const { rig, supervisor, written } = await runningThenClosed("pause");
	await until(() => standsStill(supervisor));
	const before = written();
	await heard(rig, ({ attempts }) => attempts.some(({ phase }) => phase === "paused"));
	expect(written()).toBe(before);

	await rig.endAgent();
	await rig.startAgent();
	await until(() => written() > before);
	writeFileSync(`${rig.folder(writing)}/work/enough`, "");
	expect(await rig.finished(writing)).toMatchObject({ outcome: "succeeded" });
});

test.runIf(process.platform === "linux")("what is paused can be cancelled, and is not killed but ends", async () => {
	const { rig, supervisor } = await runningThenClosed("pause");
	await until(() => standsStill(supervisor));
	rig.control([{ attemptId: writing.attemptId, reason: "cancelled by ada" }]);
	expect(await rig.finished(writing)).toMatchObject({ outcome: "cancelled" });
	expect(statesOf(supervisor)).toEqual([]);
});

const none = withoutCells(tmpdir());

test.skipIf(none !== "")("what left its session and its environment stands still too, where a cell tells", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const tick = "echo $$ >pid; while [ ! -e enough ]; do echo more >>ticks; sleep 0.01; done";
	const task = commandTask("left", `env -i PATH="$PATH" setsid sh -c '${tick}' & wait`, { graceMs: 20_000 });
	await rig.send(task);
	await rig.started(task);
	const work = `${rig.folder(task)}/work`;
	await until(() => existsSync(`${work}/ticks`));
	const pid = Number(readFileSync(`${work}/pid`, "utf8"));
	const state = (): string => fieldsOfStat(readFileSync(`/proc/${pid}/stat`, "latin1"))[0] ?? "";
	await rig.endAgent();
	await rig.startAgent(...closedFlags("pause"));
	await until(() => state() === "T");
	await rig.endAgent();
	await rig.startAgent();
	await until(() => state() !== "T");
	writeFileSync(`${work}/enough`, "");
	expect(await rig.finished(task)).toMatchObject({ outcome: "succeeded" });
});

test("what is stopped for its owner is lost here, to run elsewhere", async () => {
	const { rig } = await runningThenClosed("stop");
	const { outcome, failure } = await rig.finished(writing);
	expect(outcome).toBe("failed");
	expect(failure).toMatchObject({ cause: "lost", message: expect.stringContaining(reason()) });
});

/** A terminal at which a person types; null where there is no program to make one. */
const startTerminal = async (): Promise<ChildProcess | null> => {
	const terminal = spawn("script", ["-qfc", "cat", "/dev/null"], { stdio: ["pipe", "pipe", "ignore"] });
	onTestFinished(() => void terminal.kill("SIGKILL"));
	const failed = await Promise.race([
		once(terminal, "spawn").then(() => false),
		once(terminal, "error").then(() => true),
	]);
	return failed ? null : terminal;
};

test.runIf(process.platform === "linux")("somebody who types closes the agent", async ({ skip }) => {
	const terminal = await startTerminal();
	if (!terminal) return skip("there is no `script` here to make a terminal");
	terminal.stdin?.write("hello\n");
	await once(terminal.stdout as Readable, "data");
	const rig = await agentRig();
	await rig.startAgent("--yield-to-owner", "10m");
	const { closed } = await heard(rig, ({ closed }) => closed !== "");
	expect(closed).toBe("its owner is active: it takes work 10m after the last input");
});

test("what is kept for the owner is not offered, what it has by name is", async () => {
	const rig = await agentRig();
	await rig.startAgent("--cpu", "1", "--resource", "license.matlab=2");
	const all = (await rig.advert())?.capacity;
	expect(all).toMatchObject({ cpuMillis: 1_000, named: { "license.matlab": 2 } });
	await rig.endAgent();
	await rig.startAgent("--reserve", "memory=1Gi");
	const less = (await rig.advert())?.capacity;
	expect(less?.memoryBytes).toBe((all?.memoryBytes ?? 0) - GiB);
	const resources = { cpuMillis: 0, memoryBytes: 0, gpu: null, diskBytes: 0, named: { "license.matlab": 1 } };
	const licensed = commandTask("licensed", "true", { resources });
	await rig.send(licensed);
	expect(await rig.declined(licensed)).toBe("license.matlab: 1 wanted, none on the agent");
});
