/** Which engine is used, and how images come to it; stand-ins for docker and podman answer on PATH. */

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { usageOf } from "#agent/runner/containers/cgroup-usage.ts";
import { createContainers } from "#agent/runner/containers/containers.ts";
import { type Engine, type EngineChoice, findEngine } from "#agent/runner/containers/engine.ts";
import { createImages } from "#agent/runner/containers/images.ts";
import { attemptPaths } from "#agent/runner/files/paths.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import { commandTask } from "#test/support/agent-tasks.ts";
import { newFolder, removeFolder } from "#test/support/test-folder.ts";

let folder: string;
beforeEach(() => {
	folder = newFolder();
	onTestFinished(() => removeFolder(folder));
});

/** Answers by its first argument. */
const install = (program: "docker" | "podman", answers: Record<string, string>): void => {
	const cases = Object.entries(answers).map(([word, script]) => `${word}) ${script};;`);
	const path = join(folder, program);
	writeFileSync(
		path,
		`#!/bin/sh\nPATH=/usr/bin:/bin; echo "$*" >> '${folder}/calls'\ncase "$1" in\n${cases.join("\n")}\nesac\n`,
	);
	chmodSync(path, 0o755);
};
const says = (value: unknown): string => `echo '${JSON.stringify(value)}'`;
const find = (choice: EngineChoice = "auto") => findEngine(choice, { PATH: folder });
const calls = (): string[] => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");

const dockerInfo = {
	...{ ServerVersion: "28.0.1", SecurityOptions: ["name=seccomp,profile=builtin"], DefaultRuntime: "runc" },
	...{ MemoryLimit: true, CpuCfsQuota: true, PidsLimit: true, InitCommit: { ID: "de40ad0" } },
};
const podmanInfo = {
	host: {
		security: { rootless: true, selinuxEnabled: true },
		...{ ociRuntime: { name: "crun" }, cgroupVersion: "v2", cgroupControllers: ["memory", "pids"] },
	},
	version: { Version: "5.4.0" },
};

test("an engine that comes up after the agent: what an earlier agent left under it goes all the same", async () => {
	vi.stubEnv("PATH", folder);
	onTestFinished(() => void vi.unstubAllEnvs());
	install("docker", { info: "exit 1" });
	const options = {
		agentId: "box" as AgentId,
		folder,
		choice: "docker",
		nowMs: () => 0,
		warn: () => undefined,
	} as const;
	const containers = createContainers(options);
	onTestFinished(containers.close);
	containers.recovered([]);
	const paths = attemptPaths(folder, "r.s.1" as AttemptId);
	const task = { ...commandTask("imaged", "true"), image: "debian:12" };
	mkdirSync(paths.folder);
	const prepare = () => containers.prepare(task, paths, new AbortController().signal);
	await expect(prepare()).rejects.toThrow("docker");
	const image = "echo 'sha256:beef [\"debian@sha256:cafe\"]'";
	install("docker", { info: says(dockerInfo), image, ps: "echo 0123 r.old.1", rm: "exit 0" });
	await expect.poll(prepare, { timeout: 20_000, interval: 250 }).toBeUndefined();
	await expect.poll(() => calls().at(-1), { timeout: 20_000 }).toBe("rm --force --volumes 0123");
});

describe("the engine", () => {
	test("docker's, with what it can do", async () => {
		install("docker", { info: says(dockerInfo) });
		expect((await find()).engine).toMatchObject({
			...{ name: "docker", version: "28.0.1", rootless: false, init: true, selinux: false, sharesKernel: true },
			limits: { memory: true, cpu: true, pids: true },
		});
	});

	test("docker without root, and with users mapped", async () => {
		install("docker", { info: says({ ...dockerInfo, SecurityOptions: ["name=rootless", "name=userns"] }) });
		expect((await find()).engine).toMatchObject({ rootless: true, remapsUsers: true });
	});

	test("podman's, where docker does not answer", async () => {
		const refused = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
		install("docker", { info: `echo '${refused}' >&2; exit 1` });
		install("podman", { info: says(podmanInfo) });
		const { engine, problems } = await find();
		expect(engine).toMatchObject({
			...{ name: "podman", version: "5.4.0", rootless: true, selinux: true, sharesKernel: true },
			limits: { memory: true, cpu: false, pids: true },
		});
		expect(problems.docker).toBe(refused);
	});

	test("is not the client alone", async () => {
		install("docker", { info: says({ ServerVersion: "", ServerErrors: ["no engine"] }) });
		expect(await find()).toEqual({ engine: null, problems: { docker: "docker info says nothing of an engine" } });
	});

	test("is none where its owner wants none", async () => {
		install("docker", { info: says(dockerInfo) });
		expect(await find("none")).toEqual({ engine: null, problems: {} });
	});

	test("that was asked for and is not installed is named", async () => {
		expect((await find("podman")).problems).toEqual({ podman: "podman is not installed" });
	});
});

describe("an image", () => {
	const engineOf = async (answers: Record<string, string>): Promise<Engine> => {
		install("docker", { info: says(dockerInfo), ...answers });
		return (await find()).engine as Engine;
	};
	const inspected = `echo 'sha256:1 ["torch@sha256:2"]'`;
	const images = createImages("box", () => 1);
	const never = new AbortController().signal;
	const nothing = (): void => undefined;
	const whenPulled = (): Record<string, string> => ({
		image: `[ -e '${folder}/pulled' ] && ${inspected} || { echo 'Error response from daemon: No such image: torch:2' >&2; exit 1; }`,
		pull: `touch '${folder}/pulled'`,
	});

	test("that is here is not pulled", async () => {
		const engine = await engineOf({ image: inspected });
		expect(await images.ready(engine, "torch:2", never, nothing)).toEqual({
			...{ id: "sha256:1", digest: "sha256:2", pulledMs: 0 },
		});
		expect(calls().some((call) => call.startsWith("pull"))).toBe(false);
	});

	test("is pulled once for all who want it", async () => {
		const engine = await engineOf(whenPulled());
		const want = () => images.ready(engine, "torch:2", never, nothing);
		const all = await Promise.all([want(), want(), want()]);
		expect(all.map(({ id }) => id)).toEqual(["sha256:1", "sha256:1", "sha256:1"]);
		expect(calls().filter((call) => call.startsWith("pull"))).toEqual(["pull --quiet torch:2"]);
	});

	test("that can't be had says where, why and what to do", async () => {
		const refused = (why: string): Record<string, string> => ({
			image: "echo 'Error: No such image: torch:2' >&2; exit 1",
			pull: `echo 'Error response from daemon: ${why}' >&2; exit 1`,
		});
		const offline = await engineOf(refused("dial tcp: lookup registry-1.docker.io: no such host"));
		await expect(images.ready(offline, "torch:2", never, nothing)).rejects.toMatchObject({
			failureCause: "setup",
			message: expect.stringMatching(/torch:2 could not be pulled on box: dial tcp.*; check that box reaches the/),
		});
		const unknown = await engineOf(refused("manifest for torch:2 not found: manifest unknown"));
		await expect(images.ready(unknown, "torch:2", never, nothing)).rejects.toThrow(/check its name/);
	});

	test("that nobody waits for any more is not pulled further", async () => {
		const engine = await engineOf({ ...whenPulled(), pull: "exec sleep 600" });
		const stop = new AbortController();
		const wanted = images.ready(engine, "torch:2", stop.signal, () => stop.abort(new Error("stopped")));
		await expect(wanted).rejects.toThrow("stopped");
	});
});

describe("what a container took", () => {
	const write = (path: string, text: string): void => {
		mkdirSync(join(folder, path, ".."), { recursive: true });
		writeFileSync(join(folder, path), text);
	};

	test("is read of version 2", () => {
		write("proc/7/cgroup", "0::/system.slice/docker-ab.scope\n");
		write("cg/system.slice/docker-ab.scope/memory.peak", "1048576\n");
		write("cg/system.slice/docker-ab.scope/memory.events", "oom 3\noom_kill 2\n");
		write("cg/system.slice/docker-ab.scope/cpu.stat", "usage_usec 2500000\nuser_usec 1\n");
		expect(usageOf(7, join(folder, "cg"), join(folder, "proc"))).toEqual({
			cpuSeconds: 2.5,
			peakMemoryBytes: 1048576,
			memoryKills: 2,
		});
	});

	test("is read of version 1", () => {
		write("proc/7/cgroup", "8:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab\n0::/\n");
		write("cg/memory/docker/ab/memory.max_usage_in_bytes", "2048\n");
		write("cg/memory/docker/ab/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
		write("cg/cpu,cpuacct/docker/ab/cpuacct.usage", "1500000000\n");
		expect(usageOf(7, join(folder, "cg"), join(folder, "proc"))).toEqual({
			cpuSeconds: 1.5,
			peakMemoryBytes: 2048,
			memoryKills: 1,
		});
	});

	test("is nothing where it can't be read, and never the host's", () => {
		write("proc/7/cgroup", "0::/\n");
		write("cg/cpu.stat", "usage_usec 99000000\n");
		const nothing = { cpuSeconds: 0, peakMemoryBytes: 0, memoryKills: 0 };
		expect(usageOf(7, join(folder, "cg"), join(folder, "proc"))).toEqual(nothing);
		expect(usageOf(8, join(folder, "cg"), join(folder, "proc"))).toEqual(nothing);
	});
});
