/** The runner's small parts: what is read from disk, what is said of a failure, what a step sees. */

import { execFileSync } from "node:child_process";
import {
	chmodSync,
	linkSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir, uptime } from "node:os";
import { basename, dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { lastLines, toFailure } from "#agent/runner/failure.ts";
import { createFolders } from "#agent/runner/files/folders.ts";
import { attemptPaths } from "#agent/runner/files/paths.ts";
import { readExit, writeLaunch } from "#agent/runner/files/process-record.ts";
import { writeTask } from "#agent/runner/files/record.ts";
import { openSettledLog } from "#agent/runner/files/settled.ts";
import { openTrash } from "#agent/runner/files/trash.ts";
import { readMetrics } from "#agent/runner/outcome/metrics.ts";
import { exitOf } from "#agent/runner/processes/exit.ts";
import { recoverAttempts } from "#agent/runner/recover.ts";
import { baseEnvironment, stepEnvironment } from "#agent/runner/setup/environment.ts";
import { launchScript } from "#agent/runner/setup/launch.ts";
import { parseIdentity } from "#agent/system/process.ts";
import type { AttemptId } from "#shared/ids.ts";
import { bootId, identifyProcess, isAlive } from "#shared/process.ts";
import { commandTask } from "#test/support/agent-tasks.ts";
import { gpuOf } from "#test/support/gpus.ts";

const folder = async (): Promise<string> => {
	const dir = await mkdtemp(join(tmpdir(), "runmesh-runner-"));
	onTestFinished(() => rm(dir, { recursive: true, force: true }));
	return dir;
};

test("metrics: the last value of each name, and no line of nonsense counts", async () => {
	const path = join(await folder(), "metrics.jsonl");
	const lines = [
		'{"name":"loss","value":3,"step":1}',
		"{",
		"null",
		'{"name":"","value":1}',
		'{"name":"text","value":"1"}',
		'{"name":"huge","value":1e999}',
		`{"name":"${"x".repeat(300)}","value":1}`,
		`{"name":"long","value":1,"more":"${"x".repeat(200_000)}"}`,
		'{"name":"loss","value":2,"step":2}',
		'{"name":"loss","value":9,"step":"?"}',
		'{"name":"accuracy","value":0.5}',
	];
	writeFileSync(path, lines.join("\n"));
	expect(await readMetrics(path)).toEqual([
		{ name: "loss", value: 2, step: 2 },
		{ name: "accuracy", value: 0.5, step: 0 },
	]);
	writeFileSync(
		path,
		Array.from({ length: 300 }, (_, n) => `{"name":"m${n}","value":1}\n{"name":"m0","value":${n}}`).join("\n"),
	);
	const bounded = await readMetrics(path);
	expect(bounded).toHaveLength(200);
	expect(bounded[0]).toEqual({ name: "m0", value: 299, step: 0 });
	expect(await readMetrics(`${path}.missing`)).toEqual([]);
});

test("the last words of a step are few, printable, and never a terminal's commands", async () => {
	const path = join(await folder(), "stderr");
	writeFileSync(path, `${"old\n".repeat(5_000)}\u001b[31mred\u001b[0m\u0007\n\nprogress\rdone ✓\n`);
	expect(lastLines(path)).toBe("old\nold\nred\nprogress\ndone ✓");
	expect(lastLines(`${path}.missing`)).toBe("");
});

test("a full disk is named as what it is", () => {
	const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
	const wrapped = new Error("could not store", { cause: full });
	expect(toFailure(wrapped, "output", 'output "model" can\'t be taken')).toEqual({
		cause: "disk",
		message: 'output "model" can\'t be taken: no space left on the disk',
		signal: "",
	});
});

test("an exit code of a shell names the signal", () => {
	expect(exitOf(143, 1)).toMatchObject({ exitCode: 143, signal: "SIGTERM" });
	expect(exitOf(3, 1)).toMatchObject({ exitCode: 3, signal: "" });
});

test("a step sees an allow-list, its own variables, and devices that it can't overrule", () => {
	const base = baseEnvironment({ PATH: "/usr/bin", LC_ALL: "C", RUNMESH_TOKEN: "secret", AWS_SECRET: "x", HOME: "/h" });
	expect(base).toMatchObject({ PATH: `${dirname(process.execPath)}:/usr/bin`, LC_ALL: "C", HOME: "/h" });
	expect(Object.values(base)).not.toContain("secret");
	const paths = attemptPaths("/attempts", "r1.a.1" as AttemptId);
	const task = commandTask("a", "true", { env: { CUDA_VISIBLE_DEVICES: "7", RUNMESH_ATTEMPT: "other", MINE: "1" } });
	const given = [gpuOf("GPU-1", 1), gpuOf("GPU-2", 1)];
	const devices = { given, shareBytes: 0, vendors: ["NVIDIA"] };
	expect(stepEnvironment(base, task, paths, devices)).toMatchObject({
		CUDA_VISIBLE_DEVICES: "GPU-1,GPU-2",
		CUDA_DEVICE_ORDER: "PCI_BUS_ID",
		NVIDIA_VISIBLE_DEVICES: "GPU-1,GPU-2",
		RUNMESH_ATTEMPT: task.attemptId,
		MINE: "1",
	});
	const none = stepEnvironment(base, task, paths, { ...devices, given: [] });
	expect(none).toMatchObject({ CUDA_VISIBLE_DEVICES: "", NVIDIA_VISIBLE_DEVICES: "void" });
	const without = { given: [], shareBytes: 0, vendors: [] };
	expect(stepEnvironment(base, { ...task, env: {} }, paths, without)).not.toHaveProperty("CUDA_VISIBLE_DEVICES");
});

test("whatever stands in a command or a variable reaches the program as it is", async () => {
	const root = await folder();
	const paths = attemptPaths(root, "r1.a.1" as AttemptId);
	mkdirSync(paths.work, { recursive: true });
	const value = "a'b\"c $(touch x) `y` \\n\nnext\tline ✓";
	const command = `printf '%s|' "$VALUE"; printf '%s' 'it'"'"'s'`;
	const task = commandTask("a", command);
	const script = launchScript(task, paths, { PATH: "/usr/bin:/bin", VALUE: value, UID: "7" }, {});
	expect(execFileSync("/bin/sh", ["-c", script], { encoding: "utf8" })).toBe(`${value}|it's`);
});

test("a program with plain arguments is started without a shell, anything else by one", () => {
	const paths = attemptPaths("/attempts", "r1.a.1" as AttemptId);
	const script = (command: string, shell = ["/bin/sh", "-c"]): string => {
		const task = commandTask("a", command);
		return launchScript(
			{ ...task, action: { kind: "command", command, shell, workdir: "" } },
			paths,
			{ PATH: "/usr/bin:/bin" },
			{ PATH: "/usr/bin:/bin" },
		);
	};
	const alone = ["/bin/true", "python3 -m train --lr=0.1\n", "./run.sh a b"];
	for (const command of alone) expect(script(command)).not.toContain("'-c'");
	const shells = ["echo hi", "a=b env", "cd x", "true; false", "ls *.txt", "cat $X", "a\nb", "exit 3", "~/x", "a 'b'"];
	for (const command of shells) expect(script(command)).toContain("'/bin/sh' '-c'");
	expect(script("/bin/true", ["/bin/bash", "-eo", "pipefail", "-c"])).toContain("'/bin/bash' '-eo'");
});

test("a folder is used again when nothing is left in it, and goes when something is", async () => {
	const root = await folder();
	const discarded: string[] = [];
	const trash = { discard: (path: string) => void discarded.push(path), close: () => undefined };
	const folders = createFolders(join(root, "spare"), trash, () => undefined);
	onTestFinished(folders.close);
	await expect.poll(() => readdirSync(join(root, "spare")).length).toBe(8);
	const use = (act: (attempt: string) => void): string => {
		const attempt = join(root, "attempt");
		renameSync(folders.take() ?? "", attempt);
		act(attempt);
		folders.giveBack(attempt);
		return attempt;
	};
	use((attempt) => {
		for (const name of ["stdout", "stderr", "launch.sh", "process"]) writeFileSync(join(attempt, name), "written\n");
	});
	const again = folders.take() ?? "";
	expect(readFileSync(join(again, "process"), "utf8")).toBe("written\n");
	expect(readFileSync(join(again, "stdout"), "utf8")).toBe("");
	for (const spoil of [
		(attempt: string) => writeFileSync(join(attempt, "work", "file"), ""),
		(attempt: string) => writeFileSync(join(attempt, "metrics.jsonl"), ""),
		(attempt: string) => writeFileSync(join(attempt, "stdout"), "x".repeat(100_000)),
		(attempt: string) => chmodSync(join(attempt, "outputs"), 0o500),
		(attempt: string) => chmodSync(attempt, 0o755),
		(attempt: string) => chmodSync(join(attempt, "stdout"), 0o644),
		(attempt: string) => linkSync(join(attempt, "params.json"), join(root, `kept-${discarded.length}`)),
		(attempt: string) => renameSync(join(attempt, "inputs"), join(attempt, "elsewhere")),
		(attempt: string) => {
			rmSync(join(attempt, "work"), { recursive: true });
			symlinkSync("/", join(attempt, "work"));
		},
	]) {
		await expect.poll(() => readdirSync(join(root, "spare")).length).toBeGreaterThan(1);
		discarded.length = 0;
		const attempt = use(spoil);
		expect(discarded).toEqual([attempt]);
		rmSync(attempt, { recursive: true });
	}
});

test("what is thrown away goes whatever its rights; what a link in it leads to stays as it is", async () => {
	const root = await folder();
	const theirs = join(root, "theirs");
	mkdirSync(theirs);
	writeFileSync(join(theirs, "data"), "precious", { mode: 0o400 });
	const attempt = join(root, "attempt");
	mkdirSync(join(attempt, "work", "deep"), { recursive: true });
	writeFileSync(join(attempt, "work", "deep", "file"), "");
	symlinkSync(theirs, join(attempt, "outputs"));
	chmodSync(join(attempt, "work", "deep"), 0o000);
	chmodSync(join(attempt, "work"), 0o000);
	const trash = openTrash(join(root, "trash"), () => undefined);
	onTestFinished(trash.close);
	trash.discard(join(attempt, "outputs"));
	trash.discard(attempt);
	await expect.poll(() => readdirSync(join(root, "trash")), { timeout: 10_000 }).toEqual([]);
	expect(statSync(join(theirs, "data")).mode & 0o777).toBe(0o400);
	expect(readFileSync(join(theirs, "data"), "utf8")).toBe("precious");
});

test("what an agent of the same process id has thrown away is in nobody's way", async () => {
	const root = await folder();
	mkdirSync(join(root, "trash", `${process.pid}-1`, "full"), { recursive: true });
	const attempt = join(root, "attempt");
	mkdirSync(join(attempt, "full"), { recursive: true });
	const problems: string[] = [];
	const trash = openTrash(join(root, "trash"), (message) => problems.push(message));
	onTestFinished(trash.close);
	trash.discard(attempt);
	expect([readdirSync(root), problems]).toEqual([["trash"], []]);
});

test("a supervisor does nothing itself that a step asks for", async () => {
	const paths = attemptPaths(await folder(), commandTask("own", "").attemptId);
	mkdirSync(paths.work, { recursive: true });
	const bin = join(dirname(paths.folder), "bin");
	mkdirSync(bin);
	writeFileSync(join(bin, "umask"), "#!/bin/sh\n", { mode: 0o700 });
	const action = { kind: "command", command: "077", shell: ["umask"], workdir: "" } as const;
	const task = { ...commandTask("own", ""), action: { ...action, shell: [...action.shell] } };
	const env = { PATH: `${bin}:/usr/bin:/bin` };
	const script = launchScript(task, paths, env, {});
	expect(execFileSync("/bin/sh", ["-c", `umask 022; ${script} umask`], { encoding: "utf8" }).trim()).toBe("0022");
});

test("a process is known by its pid and start; one that started at another time is not alive", () => {
	const me = identifyProcess(process.pid);
	expect(me && isAlive(me)).toBe(true);
	expect(isAlive({ pid: process.pid, start: "another boot 1" })).toBe(false);
	expect(parseIdentity("")).toBe(null);
	expect(parseIdentity("- 1")).toBe(null);
});

test("what is left on disk tells how far an attempt came", async () => {
	const root = await folder();
	const write = (step: string, files: Record<string, string>, process = (_id: string): string => ""): AttemptId => {
		const task = commandTask(step, "true");
		const paths = attemptPaths(root, task.attemptId);
		writeTask(paths, task, null);
		writeLaunch(paths, { pid: 999_999, start: `${bootId()} 1` }, "true\n");
		writeFileSync(paths.process, process(task.attemptId));
		for (const [name, text] of Object.entries(files)) {
			writeFileSync(join(paths.folder, name), text.replace("ID", task.attemptId));
		}
		return task.attemptId;
	};
	const fresh = write("fresh", { "launch.sh": "# r1.other.1 1 boot 1\n" });
	const told = write("told", {});
	const earlier = write("earlier", { "launch.sh": "# ID 1 boot 1\n" });
	const usedBefore = write("used", {}, () => "started r1.used.10\nended r1.used.10 0\n");
	const ended = write("ended", {}, (id) => `started r1.other.1\nended r1.other.1 0\nstarted ${id}\nended ${id} 3\n`);
	const torn = write("torn", {}, (id) => `started ${id}\nended ${id} 3`);
	const settled = write("settled", {});
	const unreadable = write("unreadable", { "task.bin": "rubbish" });
	const { attempts, leftover } = await recoverAttempts(root, new Set([settled]), () => 5);
	const progress = Object.fromEntries(attempts.map((attempt) => [attempt.task.attemptId, attempt.progress]));
	for (const unstarted of [fresh, told, usedBefore]) expect(progress[unstarted]).toEqual({ kind: "accepted" });
	expect(progress[earlier]).toMatchObject({ kind: "exited", exit: { vanished: expect.stringMatching(/restarted/) } });
	expect(progress[ended]).toMatchObject({ kind: "exited", exit: { exitCode: 3, vanished: "" } });
	expect(progress[torn]).toMatchObject({
		kind: "exited",
		exit: { exitCode: null, vanished: expect.stringMatching(/./) },
	});
	expect(progress[unreadable]).toBeUndefined();
	expect(leftover).toEqual([settled]);
	expect(readExit(attemptPaths(root, torn))).toBe(null);
});

test.skipIf(process.platform !== "linux")("attempts that the first release started are taken up", async () => {
	const root = await folder();
	const write = (step: string, stat: string, exit?: string): AttemptId => {
		const task = commandTask(step, "true");
		const paths = attemptPaths(root, task.attemptId);
		writeTask(paths, task, null);
		writeFileSync(paths.process, `${bootId()} ${stat}\n`);
		if (exit) writeFileSync(join(paths.folder, "exit"), exit);
		return task.attemptId;
	};
	const own = readFileSync(`/proc/${process.pid}/stat`, "utf8").trim();
	const gone = own.replace(/^\d+/, "4194300");
	const [running, ended, killed] = [write("running", own), write("ended", gone, "3\n"), write("killed", gone)];
	const { attempts, processes } = await recoverAttempts(root, new Set(), Date.now);
	const progress = Object.fromEntries(attempts.map((attempt) => [attempt.task.attemptId, attempt.progress]));
	expect(progress[running]).toEqual({ kind: "running" });
	expect(processes.get(running)).toEqual(identifyProcess(process.pid));
	expect(progress[ended]).toMatchObject({ kind: "exited", exit: { exitCode: 3 } });
	expect(progress[killed]).toMatchObject({ kind: "exited", exit: { exitCode: null } });
});

test("a task of before the machine's restart that never began is not run from what the power cut left", async () => {
	const root = await folder();
	const [old, young] = ["old", "young"].map((step) => {
		const task = commandTask(step, "true");
		writeTask(attemptPaths(root, task.attemptId), task, null);
		return attemptPaths(root, task.attemptId);
	});
	if (!old || !young) throw new Error("two were written");
	const beforeBoot = Date.now() / 1_000 - uptime() - 60;
	utimesSync(old.task, beforeBoot, beforeBoot);
	const { attempts } = await recoverAttempts(root, new Set(), Date.now);
	expect(attempts.map(({ task }) => task.stepKey)).toEqual(["young"]);
	expect(readdirSync(root)).toEqual([basename(young.folder)]);
});

test("settled ids are kept over restarts, and not without bound", async () => {
	const root = await folder();
	const log = openSettledLog(root);
	for (let count = 0; count < 12_000; count++) log.add(`r1.step.${count}` as AttemptId);
	const { atStart } = openSettledLog(root);
	expect(atStart.at(-1)).toBe("r1.step.11999");
	expect(atStart.length).toBeGreaterThanOrEqual(5_000);
	expect(atStart.length).toBeLessThanOrEqual(10_000);
});
