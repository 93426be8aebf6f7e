/** What others use of the machine, with real processes that take memory. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { ownUseMeter } from "#agent/outside/own-use.ts";
import type { Usable } from "#shared/domain.ts";
import { agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";

const MiB = 1024 ** 2;
const HOG_BYTES = 768 * MiB;

/** Resolves when it has the memory. Detached, it leads a session of its own, as a step's supervisor does. */
const startHog = async (env: NodeJS.ProcessEnv = {}, detached = false): Promise<ChildProcess> => {
	const script = `globalThis.held = Buffer.alloc(${HOG_BYTES}, 1); process.send("held"); setInterval(() => {}, 1e9)`;
	const hog = spawn(process.execPath, ["-e", script], {
		env: { ...process.env, ...env },
		detached,
		stdio: ["ignore", "ignore", "inherit", "ipc"],
	});
	onTestFinished(() => void hog.kill("SIGKILL"));
	await once(hog, "message");
	return hog;
};

test.runIf(process.platform === "linux")("a process of an attempt is ours, any other is not", async () => {
	const meter = ownUseMeter(
		(attemptId) => attemptId === "rhog.here.1",
		() => HOG_BYTES / 4,
	);
	const before = (await meter()).memoryBytes;
	await startHog();
	await startHog({ RUNMESH_ATTEMPT: "rhog.elsewhere.1" });
	expect((await meter()).memoryBytes - before).toBeLessThan(HOG_BYTES / 2);
	const ours = await startHog({ RUNMESH_ATTEMPT: "rhog.here.1" }, true);
	const { memoryBytes, excessBytes } = await meter();
	expect(memoryBytes - before).toBeGreaterThan(HOG_BYTES / 2);
	// It claimed a part of it.
	expect(excessBytes).toBeGreaterThan(HOG_BYTES / 2);
	expect(excessBytes).toBeLessThan(HOG_BYTES);
	const gone = once(ours, "exit");
	ours.kill("SIGKILL");
	await gone;
	expect((await meter()).memoryBytes - before).toBeLessThan(HOG_BYTES / 2);
});

test.runIf(process.platform === "linux")("the time of what came and went between two looks is ours", async () => {
	const meter = ownUseMeter(
		() => false,
		() => 0,
	);
	await meter();
	const burn = `"${process.execPath}" -e "while (process.cpuUsage().user < 300000);"`;
	// As a supervisor runs a step.
	const shell = spawn("/bin/sh", ["-c", `${burn}; ${burn}; echo done; cat`], {
		detached: true,
		stdio: ["pipe", "pipe", "inherit"],
	});
	onTestFinished(() => void shell.kill("SIGKILL"));
	await once(shell.stdout, "data");
	const { cpuSeconds } = await meter();
	expect(cpuSeconds).toBeGreaterThan(0.5);
});

test.runIf(process.platform === "linux")(
	"memory that others use is not offered, and a task that no longer fits is declined",
	async () => {
		const rig = await agentRig();
		await rig.startAgent("--others", "subtract");
		const last = (): Usable | null => rig.heartbeats.at(-1)?.usable ?? null;
		const capacity = (await rig.advert())?.capacity?.memoryBytes ?? 0;
		// The first look: whatever else runs here is subtracted.
		await rig.until(() => (last()?.memoryBytes ?? capacity) < capacity);
		const before = last()?.memoryBytes ?? 0;
		await startHog();
		await rig.until(() => (last()?.memoryBytes ?? before) < before - HOG_BYTES / 2);
		const resources = { cpuMillis: 0, memoryBytes: capacity, gpu: null, diskBytes: 0, named: {} };
		const large = commandTask("large", "true", { resources });
		await rig.send(large);
		expect(await rig.declined(large)).toMatch(/^memory: .* wanted, .* free: others on the machine use /);
	},
);

test.runIf(process.platform === "linux")("memory that an attempt takes beyond its claim is not offered", async () => {
	const rig = await agentRig();
	await rig.startAgent("--others", "subtract");
	const last = (): number | null => rig.heartbeats.at(-1)?.usable?.memoryBytes ?? null;
	const capacity = (await rig.advert())?.capacity?.memoryBytes ?? 0;
	await rig.until(() => (last() ?? capacity) < capacity);
	const before = last() ?? 0;
	const resources = { cpuMillis: 10, memoryBytes: 64 * MiB, gpu: null, diskBytes: 0, named: {} };
	const script = `globalThis.held = Buffer.alloc(${HOG_BYTES}, 1); setInterval(() => {}, 1e9)`;
	const hog = commandTask("hog", `exec node -e '${script}'`, { resources });
	await rig.send(hog);
	await rig.until(() => (last() ?? before) < before - HOG_BYTES / 2);
	rig.control([{ attemptId: hog.attemptId, reason: "enough" }]);
	await rig.finished(hog);
});

test("told to ignore others, an agent offers all that it has", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	await rig.until(() => rig.heartbeats.length > 0);
	const { capacity } = (await rig.advert()) ?? {};
	expect(rig.heartbeats.at(-1)?.usable).toMatchObject({
		...{ cpuMillis: capacity?.cpuMillis, memoryBytes: capacity?.memoryBytes },
	});
});
