/** The command line of a step's container: what each engine is told, and what no list of processes may show. */

import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { type ContainerSetup, containerArgs, containerScript } from "#agent/runner/containers/command.ts";
import type { Engine } from "#agent/runner/containers/engine.ts";
import { hostVariables, variablesOf } from "#agent/runner/containers/variables.ts";
import { attemptPaths } from "#agent/runner/files/paths.ts";
import type { Task } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import { commandTask } from "#test/support/agent-tasks.ts";

const docker: Engine = {
	...{ program: "docker", env: { DOCKER_HOST: "unix:///run/docker.sock" }, name: "docker", version: "28.0.1" },
	...{ rootless: false, init: true, selinux: false, remapsUsers: false, sharesKernel: true },
	limits: { memory: true, cpu: true, pids: true },
};
const podman: Engine = { ...docker, program: "podman", name: "podman", version: "5.4.0", env: {}, rootless: true };

const task = (more: Partial<Task> = {}): Task => commandTask("train", "python train.py", { image: "torch:2", ...more });

const argsOf = (more: Partial<ContainerSetup> = {}, of: Task = task(), folder = "/home/ada/.runmesh/agent/attempts") =>
	containerArgs(of, attemptPaths(folder, "r1.train.1" as AttemptId), {
		...{ engine: docker, name: "runmesh-r1.train.1-0a", labels: { "runmesh.agent": "box" }, imageId: "sha256:beef" },
		...{ program: ["python", "train.py"], cwd: "/w", envFile: "/e", passed: [], gpus: [] },
		...{ user: { uid: 1000, gid: 100 }, hostMemoryBytes: 8 * 1024 ** 3 },
		...more,
	});

/** What follows an option, every time it is there. */
const given = (args: string[], option: string): string[] =>
	args.flatMap((word, at) => (word === option ? [args[at + 1] ?? ""] : []));

describe("every container", () => {
	const args = argsOf();

	test("runs in the foreground, of an image that is here, with the step's program and no other", () => {
		expect(args[0]).toBe("run");
		expect(args).not.toContain("--detach");
		expect(args).not.toContain("--rm");
		expect(given(args, "--pull")).toEqual(["never"]);
		expect(args.slice(-4)).toEqual(["--entrypoint", "python", "sha256:beef", "train.py"]);
	});

	test("is known by name and labels", () => {
		expect(given(args, "--name")).toEqual(["runmesh-r1.train.1-0a"]);
		expect(given(args, "--label")).toEqual(["runmesh.agent=box"]);
	});

	test("has no rights to speak of, and its own network", () => {
		expect(given(args, "--cap-drop")).toEqual(["ALL"]);
		expect(given(args, "--security-opt")).toEqual(["no-new-privileges"]);
		expect(args).not.toContain("--network");
		expect(args).toContain("--init");
	});

	test("sees the attempt's folders at their own paths, what it is given read-only, and none of its records", () => {
		const mounts = given(args, "--mount").map((text) => text.split(","));
		const at = "/home/ada/.runmesh/agent/attempts/r1.train.1";
		for (const [, source, target] of mounts) expect(source?.replace("source=", "target=")).toBe(target);
		const kept = mounts.filter((fields) => fields.includes("readonly")).map(([, source]) => source);
		const free = mounts.filter((fields) => !fields.includes("readonly")).map(([, source]) => source);
		expect(kept.sort()).toEqual([`source=${at}/inputs`, `source=${at}/params.json`]);
		expect(free.sort()).toEqual([`source=${at}/metrics.jsonl`, `source=${at}/outputs`, `source=${at}/work`]);
	});

	test("has shared memory to work with", () => {
		expect(given(args, "--shm-size")).toEqual([`${4 * 1024 ** 3}b`]);
	});
});

test("a path with a comma stays one path", () => {
	const [mount] = given(argsOf({}, task(), "/data/a,b"), "--mount");
	expect(mount).toBe('type=bind,"source=/data/a,b/r1.train.1/work","target=/data/a,b/r1.train.1/work"');
});

test("members of a gang reach each other", () => {
	const gang = { rank: 1, size: 2, masterAddr: "10.0.0.1", masterPort: 29_500 };
	expect(given(argsOf({}, task({ gang })), "--network")).toEqual(["host"]);
});

describe("who it is inside", () => {
	test.each([
		["the agent's user", docker, ["--user", "1000:100"]],
		["no other, where users are mapped", { ...docker, remapsUsers: true }, ["--user", "1000:100", "--userns", "host"]],
		["root, who is the agent's user outside", { ...docker, rootless: true }, ["--user", "0:0"]],
		["the same in podman without root", podman, ["--userns", "keep-id"]],
		["the agent's user in podman with root", { ...podman, rootless: false }, ["--user", "1000:100"]],
	])("%s", (_, engine, expected) => {
		const args = argsOf({ engine });
		const found = args.flatMap((word, at) => (/^--user(ns)?$/.test(word) ? [word, args[at + 1]] : []));
		expect(found).toEqual(expected);
	});
});

describe("limits", () => {
	const limits = { cpuMillis: 1500, memoryBytes: 1024 ** 3, diskBytes: 0 };

	test("are the engine's to keep, without swap", () => {
		const args = argsOf({}, task({ limits }));
		expect(given(args, "--memory")).toEqual(["1073741824b"]);
		expect(given(args, "--memory-swap")).toEqual(["1073741824b"]);
		expect(given(args, "--cpus")).toEqual(["1.5"]);
		expect(given(args, "--shm-size")).toEqual(["1073741824b"]);
	});

	test("are not asked of one that can't keep them", () => {
		const engine = { ...docker, limits: { memory: false, cpu: false, pids: false } };
		const args = argsOf({ engine }, task({ limits }));
		for (const option of ["--memory", "--cpus", "--pids-limit"]) expect(args).not.toContain(option);
	});

	test("that no engine takes are the least it does", () => {
		const tiny = { cpuMillis: 1, memoryBytes: 1024, diskBytes: 0 };
		const args = argsOf({}, task({ limits: tiny }));
		expect(given(args, "--memory")).toEqual([`${6 * 1024 ** 2}b`]);
		expect(given(args, "--cpus")).toEqual(["0.01"]);
	});

	test("that nobody declared are none", () => {
		const args = argsOf();
		for (const option of ["--memory", "--cpus"]) expect(args).not.toContain(option);
	});
});

describe("GPUs", () => {
	const nvidia = ["GPU-1", "MIG-2"].map((id) => ({ id, vendor: "NVIDIA" }));

	test("of NVIDIA by their ids", () => {
		expect(given(argsOf({ gpus: nvidia }), "--gpus")).toEqual(['"device=GPU-1,MIG-2"']);
		const args = argsOf({ gpus: nvidia, engine: podman });
		expect(given(args, "--device")).toEqual(["nvidia.com/gpu=GPU-1", "nvidia.com/gpu=MIG-2"]);
	});

	test("of AMD by the driver's door", () => {
		const args = argsOf({ gpus: [{ id: "GPU-aa", vendor: "AMD" }], engine: podman });
		expect(given(args, "--device")).toEqual(["/dev/kfd", "/dev/dri"]);
		expect(given(args, "--group-add")).toEqual(["keep-groups"]);
	});

	test("of others not at all, with the reason", () => {
		const gpus = [{ id: "apple-0", vendor: "Apple" }];
		expect(() => argsOf({ gpus })).toThrow("no container can be given a GPU of apple");
	});
});

describe("variables", () => {
	test("go by a file, and never by the command line", () => {
		const { file, direct } = variablesOf({ TOKEN: "secret", LD_PRELOAD: "/x.so", DOCKER_HOST: "tcp://evil" });
		expect(file).toBe("TOKEN=secret\nLD_PRELOAD=/x.so\nDOCKER_HOST=tcp://evil\n");
		expect(direct).toEqual({});
	});

	test("of several lines go by the client's environment, unless they would steer it", () => {
		expect(variablesOf({ KEY: "one\ntwo" })).toEqual({ file: "", direct: { KEY: "one\ntwo" } });
		for (const name of ["LD_PRELOAD", "DOCKER_HOST", "PATH", "HOME", "https_proxy", "GODEBUG", "BASH_ENV", "LD"]) {
			expect(() => variablesOf({ [name]: "one\ntwo" }), name).toThrow(`the variable ${name}`);
		}
	});

	test("of the host are left outside, but for what holds inside too", () => {
		const base = {
			...{ PATH: "/usr/bin", HOME: "/home/ada", LD_LIBRARY_PATH: "/opt/cuda", TZ: "Europe/Berlin" },
			...{ http_proxy: "http://proxy.lab:3128", HTTPS_PROXY: "http://127.0.0.1:3128", NO_PROXY: "localhost" },
			WANDB_MODE: "offline",
		};
		expect(hostVariables(base, ["WANDB_MODE"])).toEqual({
			...{ TZ: "Europe/Berlin", http_proxy: "http://proxy.lab:3128", NO_PROXY: "localhost", WANDB_MODE: "offline" },
		});
	});
});

test("what a shell reads is what the client is given", () => {
	const engine = { ...docker, program: "printf", env: { DOCKER_HOST: "unix:///it's here" } };
	const args = ["%s|", "it's", "$HOME", "`id`", "a\nb"];
	const script = `${containerScript(engine, args, { KEY: "x'y\nz" })}`;
	expect(execFileSync("/bin/sh", ["-c", script], { encoding: "utf8" })).toBe("it's|$HOME|`id`|a\nb|");
	const shown = containerScript({ ...engine, program: "env" }, [], { KEY: "x'y\nz" });
	expect(execFileSync("/bin/sh", ["-c", shown], { encoding: "utf8" })).toContain("KEY=x'y\nz\n");
});
