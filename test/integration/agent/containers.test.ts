/** Steps with an image, in a real engine of the test's own. */

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { clientOf } from "#agent/runner/containers/client.ts";
import { createContainers } from "#agent/runner/containers/containers.ts";
import { writeRecord } from "#agent/runner/containers/record.ts";
import { attemptPaths } from "#agent/runner/files/paths.ts";
import { captureTree } from "#shared/blobs/tree.ts";
import type { Task } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { type AgentRig, agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";
import { type DockerEngine, startDockerEngine, whyNoEngine } from "#test/support/docker-engine.ts";
import { newFolder, removeFolder } from "#test/support/test-folder.ts";
import { readsShow } from "#test/support/watched-code.ts";

const why = whyNoEngine();

describe.skipIf(why !== "")(`steps in containers${why === "" ? "" : ` (not tried: ${why})`}`, () => {
	let engine: DockerEngine;

	beforeAll(async () => {
		engine = await startDockerEngine();
	});
	afterAll(() => engine?.stop());
	afterEach(async () => {
		await expect.poll(() => engine.containers(), { timeout: 20_000 }).toEqual([]);
	});

	const rigWithEngine = async (...flags: string[]): Promise<AgentRig> => {
		const rig = await agentRig();
		rig.env.DOCKER_HOST = engine.host;
		await rig.startAgent("--container-engine", "docker", ...flags);
		return rig;
	};
	const inImage = (step: string, command: string, more: Partial<Task> = {}): Task =>
		commandTask(step, command, { image: engine.image, ...more });
	/** In its working folder, which the test sees too. */
	const gate = "until [ -e gate ]; do sleep 0.05; done";
	const openGate = (rig: AgentRig, task: Task): Promise<void> => writeFile(join(rig.folder(task), "work/gate"), "");
	const clientPidOf = (task: Task): number => {
		const [pid] = readdirSync("/proc").filter((name) => {
			if (!/^\d+$/.test(name)) return false;
			try {
				const words = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
				return words[0] === "docker" && words[1] === "run" && words.join(" ").includes(task.attemptId);
			} catch {
				return false;
			}
		});
		return Number(pid);
	};
	const runs = async (task: Task): Promise<void> =>
		expect
			.poll(() => engine.docker("ps", "--filter", `label=runmesh.attempt=${task.attemptId}`, "--quiet"), {
				timeout: 20_000,
			})
			.not.toBe("");
	const textOf = (rig: AgentRig, task: Task, file: "stdout" | "stderr"): string =>
		readFileSync(join(rig.folder(task), file), "utf8");

	test("sees what any step sees, at the same paths, and nothing else of the host", async () => {
		const rig = await rigWithEngine();
		rig.settling = false;
		const folder = newFolder();
		await writeFile(join(folder, "data.txt"), "given\n");
		const input = await captureTree(rig.store, join(folder, "data.txt"), "data", "coordinator");
		await removeFolder(folder);
		const task = inImage(
			"contract",
			[
				'cat "$RUNMESH_INPUTS/data" "$RUNMESH_PARAMS"',
				'echo; echo "$GREETING"; echo "$LINES"; id -u',
				'pwd; [ "$PWD" = "$(cd "$RUNMESH_INPUTS/../work" && pwd)" ] && echo same',
				'touch "$RUNMESH_INPUTS/x" 2>/dev/null || echo inputs are kept',
				'touch "$RUNMESH_PARAMS" 2>/dev/null || echo params are kept',
				`[ -e ${rig.home.agent}/attempts/rtest.contract.1/launch.sh ] || echo no records`,
				`echo '{"name":"loss","value":0.5}' >> "$RUNMESH_METRICS"`,
				'echo result > "$RUNMESH_OUTPUTS/out"',
				"env > env.txt",
			].join("\n"),
			{
				inputs: [input],
				outputs: [{ name: "out", path: "out", asValue: true }],
				paramsJson: '{"epochs":3}',
				env: { GREETING: "hello  'world'", LINES: "one\ntwo", LD_PRELOAD_LATER: "x" },
			},
		);
		await rig.send(task);
		const finished = await rig.finished(task);
		expect(finished, JSON.stringify(finished.failure)).toMatchObject({
			outcome: "succeeded",
			metrics: [{ name: "loss", value: 0.5 }],
			outputs: [{ name: "out", valueJson: '"result"' }],
		});
		const stdout = textOf(rig, task, "stdout");
		expect(stdout).toMatch(/^given\n\{"epochs":3\}\nhello {2}'world'\none\ntwo\n0\n/);
		expect(stdout).toMatch(/\nsame\ninputs are kept\nparams are kept\nno records\n$/);
		expect(textOf(rig, task, "stderr")).toMatch(/^runmesh: image runmesh-test\/tools:1 is sha256:[0-9a-f]{64}\n$/);
	});

	test("is given none of the host's own variables", async () => {
		const rig = await rigWithEngine();
		const task = inImage("variables", "env", { env: { DOCKER_HOST: "unix:///nowhere", PATH: "/bin" } });
		rig.settling = false;
		await rig.send(task);
		expect((await rig.finished(task)).outcome).toBe("succeeded");
		const names = textOf(rig, task, "stdout")
			.split("\n")
			.map((line) => line.split("=")[0])
			.filter((name) => name !== "" && !name?.startsWith("RUNMESH_"));
		const own = new Set(["DOCKER_HOST", "PATH", "HOME", "HOSTNAME", "PWD", "TZ", "_", "SHLVL"]);
		const proxies = /^(https?|all|no)_proxy$/i;
		expect(names.filter((name) => name && !own.has(name) && !proxies.test(name))).toEqual([]);
	});

	test("keeps the memory that was asked for, and the end for the lack of it is named", async () => {
		const rig = await rigWithEngine();
		const limits = { cpuMillis: 500, memoryBytes: 32 * 1024 ** 2, diskBytes: 0 };
		const task = inImage("greedy", "dd if=/dev/zero of=/dev/null bs=128M count=4 && sleep 60", { limits });
		await rig.send(task);
		const { failure, usage } = await rig.finished(task);
		expect(failure).toMatchObject({ cause: "oom", message: expect.stringContaining("32Mi") });
		expect(usage?.limits).toMatchObject({ memory: "container", cpu: "container" });
	});

	test("tells what it took", async () => {
		const rig = await rigWithEngine();
		const task = inImage("busy", `dd if=/dev/zero of=/dev/null bs=64M count=60; touch done; ${gate}`);
		await rig.send(task);
		await expect.poll(() => existsSync(join(rig.folder(task), "work/done")), { timeout: 20_000 }).toBe(true);
		// The agent looks more often than it beats.
		const beats = rig.heartbeats.length;
		await rig.until(() => rig.heartbeats.length > beats + 1);
		await openGate(rig, task);
		const { usage } = await rig.finished(task);
		expect(usage?.peakMemoryBytes).toBeGreaterThan(32 * 1024 ** 2);
		expect(usage?.cpuSeconds).toBeGreaterThan(0);
	});

	test("a stop that comes before its process does is heard all the same", async () => {
		const rig = await rigWithEngine();
		const task = inImage("early", "sleep 600", { graceMs: 3_600_000 });
		await rig.send(task);
		await rig.started(task);
		rig.control([{ attemptId: task.attemptId, reason: "not wanted any more" }]);
		expect((await rig.finished(task)).outcome).toBe("cancelled");
	});

	test("a stop leaves it time to save what it has", async () => {
		const rig = await rigWithEngine();
		rig.settling = false;
		const task = inImage("stopped", "trap 'echo saving; exit 0' TERM; touch ready; while :; do sleep 0.05; done");
		await rig.send(task);
		await expect.poll(() => existsSync(join(rig.folder(task), "work/ready")), { timeout: 20_000 }).toBe(true);
		rig.control([{ attemptId: task.attemptId, reason: "not wanted any more" }]);
		expect((await rig.finished(task)).outcome).toBe("cancelled");
		expect(textOf(rig, task, "stdout")).toBe("saving\n");
	});

	test("one that does not heed it is killed when its grace is over", async () => {
		const rig = await rigWithEngine();
		const task = inImage("deaf", "trap '' TERM; while :; do sleep 0.05; done", { graceMs: 200, timeoutMs: 1_000 });
		await rig.send(task);
		const { failure } = await rig.finished(task);
		expect(failure?.cause).toBe("timeout");
	});

	test("survives the agent's SIGKILL: one execution, its output whole", async () => {
		const rig = await rigWithEngine();
		const task = inImage("long", `echo once >> ran; echo before; ${gate}; echo after; cat ran > $RUNMESH_OUTPUTS/out`, {
			outputs: [{ name: "out", path: "out", asValue: true }],
		});
		await rig.send(task);
		await runs(task);
		rig.settling = false;
		await rig.endAgent("SIGKILL");
		await rig.startAgent("--container-engine", "docker");
		await rig.until(() => rig.heartbeats.at(-1)?.attempts[0]?.phase === "running");
		await openGate(rig, task);
		const { outcome, outputs } = await rig.finished(task);
		expect({ outcome, said: outputs[0]?.valueJson }).toEqual({ outcome: "succeeded", said: '"once"' });
		expect(await readFile(join(rig.folder(task), "stdout"), "utf8")).toBe("before\nafter\n");
	});

	test("its end while no agent ran is told by the next one", async () => {
		const rig = await rigWithEngine();
		const task = inImage("alone", `${gate}; echo gone >&2; exit 125`);
		await rig.send(task);
		await runs(task);
		await rig.endAgent("SIGKILL");
		await openGate(rig, task);
		await expect.poll(() => rig.hasEnded(task), { timeout: 20_000 }).toBe(true);
		await rig.startAgent("--container-engine", "none");
		const { failure } = await rig.finished(task);
		expect(failure).toMatchObject({ cause: "error", exitCode: 125, message: expect.stringContaining("gone") });
	});

	test("ends with its client, and with its supervisor", async () => {
		const rig = await rigWithEngine();
		const [byClient, bySupervisor] = [inImage("client", gate), inImage("supervisor", gate)];
		for (const task of [byClient, bySupervisor]) {
			await rig.send(task);
			await runs(task);
		}
		process.kill(clientPidOf(byClient), "SIGKILL");
		expect((await rig.finished(byClient)).failure).toMatchObject({
			cause: "lost",
			message: expect.stringContaining("client was killed from outside"),
		});
		process.kill(rig.supervisor(bySupervisor), "SIGKILL");
		expect((await rig.finished(bySupervisor)).failure?.cause).toBe("lost");
	});

	test("what an attempt that is gone left is ended when the agent starts, and nobody else's", async () => {
		const rig = await agentRig();
		rig.env.DOCKER_HOST = engine.host;
		const folder = ["--label", `runmesh.folder=${rig.home.agent}`, "--label", `runmesh.agent=${rig.agentId}`];
		const start = (...labels: string[]): Promise<string> =>
			engine.docker("run", "--detach", ...labels, "--entrypoint", "/bin/sh", engine.image, "-c", "sleep 600");
		const orphan = await start(...folder, "--label", "runmesh.attempt=rold.step.1");
		const other = await start("--label", `runmesh.agent=${rig.agentId}`, "--label", "runmesh.attempt=rnew.step.1");
		const wanted = inImage("wanted", gate);
		await rig.startAgent("--container-engine", "docker");
		await rig.send(wanted);
		await runs(wanted);
		await rig.endAgent();
		await rig.startAgent("--container-engine", "docker");
		const ids = () => engine.docker("ps", "--quiet", "--no-trunc");
		await expect.poll(ids, { timeout: 20_000 }).not.toContain(orphan);
		expect(await ids()).toContain(other);
		await openGate(rig, wanted);
		expect((await rig.finished(wanted)).outcome).toBe("succeeded");
		await engine.docker("rm", "--force", other);
	});

	test("stands still and goes on by its engine, and ends although it stands still", async () => {
		const folder = newFolder();
		const { attemptId } = inImage("paused", "true");
		const paths = attemptPaths(folder, attemptId);
		mkdirSync(paths.folder);
		const [name, env] = ["runmesh-paused", { ...process.env, DOCKER_HOST: engine.host }];
		await engine.docker("run", "--detach", "--name", name, "--entrypoint", "/bin/sh", engine.image, "-c", "sleep 600");
		writeRecord(paths, {
			...{ client: clientOf("docker", env), engine: "docker", name, image: engine.image, imageId: "" },
			...{ program: "/bin/sh", limits: [], memoryBytes: 0, setupBytes: 0 },
		});
		const containers = createContainers({
			...{ agentId: "box" as AgentId, folder, choice: "none", nowMs: () => 1 },
			warn: (message, error) => {
				throw new Error(message, { cause: error });
			},
		});
		const isPaused = () => engine.docker("inspect", "--format", "{{.State.Paused}}", name);
		await containers.pause(attemptId, paths);
		await containers.pause(attemptId, paths);
		expect(await isPaused()).toBe("true");
		await containers.resume(attemptId, paths);
		await containers.resume(attemptId, paths);
		expect(await isPaused()).toBe("false");
		await containers.pause(attemptId, paths);
		const exit = { exitCode: null, signal: "", vanished: "killed", atMs: 1 };
		const ending = { kind: "exited", exit, stop: null, startedAtMs: 1 } as const;
		const { ending: told } = await containers.end(attemptId, paths, ending);
		expect(told).toMatchObject({ exit: { vanished: expect.stringContaining("docker client was killed") } });
		expect(await engine.containers()).toEqual([]);
		// Told again, by an agent that was started again, without the container.
		expect((await containers.end(attemptId, paths, ending)).ending).toEqual(told);
		containers.close();
		await removeFolder(folder);
	});

	test("exit codes that a client has too are the step's own", async () => {
		const rig = await rigWithEngine();
		for (const code of [125, 126, 127, 137]) {
			const task = inImage(`code${code}`, `exit ${code}`);
			await rig.send(task);
			expect((await rig.finished(task)).failure).toMatchObject({ cause: "error", exitCode: code });
		}
	});

	test("an image that can't be had, has no shell or is no name fails with what to do", async () => {
		const rig = await rigWithEngine();
		const failureOf = async (step: string, more: Partial<Task>) => {
			const task = commandTask(step, "echo hi; exit 1", more);
			await rig.send(task);
			return (await rig.finished(task)).failure;
		};
		expect(await failureOf("absent", { image: "registry.invalid/nothing:1" })).toMatchObject({
			cause: "setup",
			message: expect.stringMatching(/registry\.invalid\/nothing:1 could not be pulled on .*; check/s),
		});
		expect(await failureOf("bare", { image: engine.bareImage })).toMatchObject({
			cause: "launch",
			message: expect.stringContaining(`the image ${engine.bareImage} has no /bin/sh`),
		});
		expect((await failureOf("option", { image: "--privileged" }))?.cause).toBe("launch");
	});

	test("what it writes belongs to the agent, and is removed with the attempt", async () => {
		const rig = await rigWithEngine();
		const task = inImage("files", 'mkdir -p "$RUNMESH_OUTPUTS/deep" made; echo 1 > "$RUNMESH_OUTPUTS/deep/file"', {
			outputs: [{ name: "deep", path: "deep", asValue: false }],
		});
		rig.settling = false;
		await rig.send(task);
		expect(await rig.finished(task)).toMatchObject({ outcome: "succeeded", outputs: [{ fileCount: 1 }] });
		const owner = statSync(rig.folder(task)).uid;
		expect(owner).toBe(process.getuid?.());
		rig.settling = true;
		await expect.poll(() => readdirSync(join(rig.home.agent, "attempts")), { timeout: 20_000 }).toEqual([]);
	});

	test.skipIf(!readsShow)("what it read of its code is told, for its cache", async () => {
		const rig = await rigWithEngine();
		const folder = newFolder();
		for (const name of ["read.txt", "unread.txt"]) await writeFile(join(folder, name), name);
		const code = await captureTree(rig.store, folder, "code", "coordinator");
		await removeFolder(folder);
		const task = inImage("reads", "cat read.txt", { code, trackCode: true });
		await rig.send(task);
		const { codeUse } = await rig.finished(task);
		expect(codeUse).toMatchObject({ paths: expect.arrayContaining(["read.txt"]), readsParams: false });
		expect(codeUse?.paths).not.toContain("unread.txt");
	});

	test("an agent without an engine hands the step back, and offers none", async () => {
		const rig = await agentRig();
		rig.env.DOCKER_HOST = "unix:///nowhere/docker.sock";
		await rig.startAgent("--container-engine", "docker");
		const task = inImage("nowhere", "true");
		await rig.send(task);
		expect(await rig.declined(task)).toMatch(/^no container engine can be used on .*: docker: /);
		expect(Object.keys((await rig.advert())?.fingerprint?.runtimes ?? {})).not.toContain("docker");
	});

	test.each(["SIGTERM", "SIGKILL"] as const)(
		"an engine that ends by %s loses its attempts, and fails none",
		async (signal) => {
			const rig = await rigWithEngine();
			const task = inImage("orphaned", gate);
			await rig.send(task);
			await runs(task);
			await engine.kill(signal);
			const finished = rig.finished(task);
			await engine.start();
			expect((await finished).failure).toMatchObject({ cause: "lost", message: expect.stringMatching(/docker/) });
		},
	);
});
