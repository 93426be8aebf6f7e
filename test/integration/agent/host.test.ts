/** What a real agent tells of its host, and how it keeps to its disk and its own folder. */

import { chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { captureTree } from "#shared/blobs/tree.ts";
import type { Advert } from "#shared/domain.ts";
import { type AgentRig, agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";
import { fakeTools } from "#test/support/fake-tools.ts";
import { smallDisk } from "#test/support/small-disk.ts";

const MIB = 1024 ** 2;

const advertOf = async (rig: AgentRig, holds: (advert: Advert) => boolean): Promise<Advert> => {
	for (;;) {
		const advert = await rig.advert();
		if (advert && holds(advert)) return advert;
		await delay(20);
	}
};

const cachedFiles = async (rig: AgentRig): Promise<string[]> => {
	const found = await readdir(join(rig.home.agent, "blobs", "fetched"), { recursive: true, withFileTypes: true });
	return found.filter((item) => item.isFile()).map(({ name }) => name);
};

test("the advert tells what the host has, whatever its tools do", async () => {
	fakeTools({
		docker: "sleep 1000",
		podman: "echo 5.4.0",
		uv: "head -c 10000000 /dev/zero",
		conda: "echo broken >&2; exit 1",
		python3: "echo Python 3.11.2",
	});
	const rig = await agentRig();
	await rig.startAgent();
	const advert = await advertOf(rig, ({ fingerprint }) => fingerprint?.runtimes.podman !== undefined);
	const { runtimes, problems, diskBytes, cpuSockets } = advert.fingerprint as NonNullable<Advert["fingerprint"]>;
	expect(runtimes).toMatchObject({ node: process.version, python: "3.11.2", podman: "5.4.0" });
	expect(runtimes).not.toHaveProperty("docker");
	expect(problems).toMatchObject({
		docker: "the client is there but the engine can't be used: docker gave no answer in 8 s",
		uv: "uv said more than 1024 KiB",
		conda: "conda failed: broken",
	});
	expect(diskBytes).toBeGreaterThan(0);
	expect(cpuSockets).toBeGreaterThan(0);
	expect(advert.capacity?.diskBytes).toBe(diskBytes);
	// None of this keeps it from its work.
	const task = commandTask("works", "true");
	await rig.send(task);
	expect((await rig.finished(task)).outcome).toBe("succeeded");
});

test("an agent whose temporary folder is gone takes nothing and says why, until it is there again", async () => {
	const rig = await agentRig();
	const temp = join(rig.home.root, "temp");
	rig.env.TMPDIR = temp;
	await rig.startAgent();
	await rig.until(() => rig.heartbeats.length > 0);
	expect(rig.heartbeats.at(-1)?.closed).toMatch(/temporary folder .*\/temp can't be used: it is not there/);
	const task = commandTask("early", "true");
	await rig.send(task);
	expect(await rig.declined(task)).toMatch(/temporary folder/);
	await mkdir(temp);
	await rig.until(() => rig.heartbeats.at(-1)?.closed === "");
	const later = commandTask("later", "true");
	await rig.send(later);
	expect((await rig.finished(later)).outcome).toBe("succeeded");
});

test("an attempt whose folder takes more disk than it may is stopped for that", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const task = commandTask("filler", "head -c 20000000 /dev/zero >big; sleep 1000", {
		limits: { cpuMillis: 0, memoryBytes: 0, diskBytes: 4 * MIB },
	});
	const gate = join(rig.home.root, "gate");
	const modest = commandTask("modest", `head -c 2000000 /dev/zero >big; until [ -e ${gate} ]; do sleep 0.05; done`, {
		limits: { cpuMillis: 0, memoryBytes: 0, diskBytes: 4 * MIB },
	});
	await rig.send(task);
	await rig.send(modest);
	const { outcome, failure, usage } = await rig.finished(task);
	expect({ outcome, limits: usage?.limits }).toEqual({ outcome: "failed", limits: { disk: "watched" } });
	expect(failure).toMatchObject({ cause: "disk", message: expect.stringMatching(/of disk, 4Mi are allowed/) });
	await writeFile(gate, "");
	expect((await rig.finished(modest)).outcome).toBe("succeeded");
});

test("what a crash left behind is cleared away at the next start", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	await rig.endAgent();
	const { agent } = rig.home;
	for (const name of ["blobs/staging/half", "spare/half", "trash/half"]) {
		await rm(join(agent, name), { recursive: true, force: true });
		if (name.startsWith("blobs")) await writeFile(join(agent, name), "half");
		else await mkdir(join(agent, name, "work"), { recursive: true });
	}
	await chmod(join(agent, "trash/half/work"), 0);
	await rig.startAgent();
	const gone = (name: string) =>
		expect.poll(() => readFile(join(agent, name)).catch(({ code }) => code), { timeout: 20_000 });
	for (const name of ["blobs/staging/half", "spare/half", "trash/half"]) await gone(name).toBe("ENOENT");
});

test.skipIf(!smallDisk.canMount)(
	"a disk that gets full: cached inputs go, what fills it is stopped, the rest lives on",
	async () => {
		const rig = await agentRig();
		smallDisk.mountAt(rig.home.agent, 400 * MIB);
		await rig.startAgent("--min-free-disk", "80Mi");
		await rig.until(() => rig.heartbeats.length > 0);
		expect(rig.heartbeats.at(-1)?.closed).toBe("");

		const folder = join(rig.home.root, "input");
		await mkdir(folder);
		await writeFile(join(folder, "data"), Buffer.alloc(60 * MIB, 7));
		const input = await captureTree(rig.store, folder, "data", "elsewhere");
		const reader = commandTask("reader", 'wc -c <"$RUNMESH_INPUTS/data/data"', { inputs: [input] });
		await rig.send(reader);
		expect((await rig.finished(reader)).outcome).toBe("succeeded");
		expect(await cachedFiles(rig)).not.toEqual([]);

		const gate = join(rig.home.root, "gate");
		const quiet = commandTask("quiet", `head -c 20000000 /dev/zero >mine; until [ -e ${gate} ]; do sleep 0.05; done`);
		const filler = commandTask("filler", "while :; do head -c 4000000 /dev/zero; sleep 0.05; done >>big");
		await rig.send(quiet);
		await rig.started(quiet);
		await rig.send(filler);
		const { outcome, failure } = await rig.finished(filler);
		expect({ outcome, cause: failure?.cause }).toEqual({ outcome: "failed", cause: "disk" });
		expect(failure?.message).toMatch(/was left on the disk that holds .*, and this attempt filled it most/);
		await rig.until(() => rig.heartbeats.at(-1)?.closed === "");
		await writeFile(gate, "");
		expect((await rig.finished(quiet)).outcome).toBe("succeeded");
	},
	120_000,
);
