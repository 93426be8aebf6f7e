/** How limits are kept: which control groups are ours, what is written there, who belongs to an attempt, what it took. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { attemptPaths } from "#agent/runner/files/paths.ts";
import { newBox } from "#agent/runner/limits/box.ts";
import { boxLine, parseTimes, readBox, readTimes } from "#agent/runner/limits/box-record.ts";
import { entrancesOf, makeFolders, removeFolders } from "#agent/runner/limits/cell.ts";
import { cgroupV1 } from "#agent/runner/limits/cgroup-v1.ts";
import { cgroupV2 } from "#agent/runner/limits/cgroup-v2.ts";
import { measure } from "#agent/runner/limits/measure.ts";
import { familyOf, parseStat } from "#agent/runner/limits/process-table.ts";
import { parseOwnGroups } from "#agent/system/own-groups.ts";
import type { AttemptId } from "#shared/ids.ts";

const GiB = 1024 ** 3;

const tempFolder = (): string => {
	const folder = mkdtempSync(join(tmpdir(), "runmesh-limits-"));
	onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
};

const mounts = {
	v1: [
		"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct",
		"38 31 0:35 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory",
		"40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd",
		"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
	].join("\n"),
	v2: "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate",
	container: "1031 1023 0:35 /docker/f00 /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory",
	odd: "30 23 0:26 / /mnt/my\\040groups rw - cgroup2 none rw",
};

test.for([
	[
		"a host with version 1, and systemd's own beside",
		"9:name=systemd:/user.slice\n4:memory:/user.slice/u1\n2:cpu,cpuacct:/user.slice\n0::/user.slice/u1.scope",
		mounts.v1,
		{
			v1: {
				memory: "/sys/fs/cgroup/memory/user.slice/u1",
				cpu: "/sys/fs/cgroup/cpu,cpuacct/user.slice",
				cpuacct: "/sys/fs/cgroup/cpu,cpuacct/user.slice",
			},
			v2: "/sys/fs/cgroup/unified/user.slice/u1.scope",
		},
	],
	["a host with version 2", "0::/a/b.service\n", mounts.v2, { v1: {}, v2: "/sys/fs/cgroup/a/b.service" }],
	["a container with a group of its own as root", "0::/\n", mounts.v2, { v1: {}, v2: "/sys/fs/cgroup" }],
	["a group outside of what is seen", "0::/../other\n", mounts.v2, { v1: {}, v2: null }],
	[
		"a container that sees its part of version 1",
		"4:memory:/docker/f00/inner",
		mounts.container,
		{ v1: { memory: "/sys/fs/cgroup/memory/inner" }, v2: null },
	],
	["a mount with a space", "0::/x", mounts.odd, { v1: {}, v2: "/mnt/my groups/x" }],
	["nothing mounted", "0::/x", "", { v1: {}, v2: null }],
] as const)("the groups of %s", ([, cgroup, mountinfo, groups]) => {
	expect(parseOwnGroups(cgroup, mountinfo)).toEqual(groups);
});

const read = (folder: string, file: string): string => readFileSync(join(folder, file), "utf8");

test("version 2: the limits of one attempt after the other, and what its counters say", () => {
	const root = tempFolder();
	const service = join(root, "runmesh.service");
	const own = join(service, "agent");
	mkdirSync(own, { recursive: true });
	writeFileSync(join(own, "cgroup.type"), "domain\n");
	for (const file of ["cgroup.procs", "cgroup.subtree_control"]) writeFileSync(join(service, file), "");
	const kind = cgroupV2(own, "runmesh-x");
	expect(kind).toMatchObject({ way: "cgroup v2", keeps: ["memory", "cpu", "processes"] });
	expect(kind.bases).toEqual({ "": join(service, "runmesh-x") });

	const folder = join(service, "runmesh-x", "1");
	makeFolders({ "": folder });
	const files = ["memory.max", "memory.swap.max", "memory.oom.group", "cpu.max", "pids.max", "pids.current"];
	for (const file of files) writeFileSync(join(folder, file), "1");
	writeFileSync(join(folder, "memory.peak"), "5000\n");
	writeFileSync(join(folder, "cpu.stat"), "usage_usec 1500000\nuser_usec 1\n");
	writeFileSync(join(folder, "memory.events"), "low 0\nmax 3\noom 1\noom_kill 2\n");
	writeFileSync(join(folder, "memory.stat"), "anon 4096\nfile 100\n");
	const cell = kind.open({ "": folder });
	onTestFinished(cell.close);
	cell.limit({ memoryBytes: GiB, cpuMillis: 1_500 });
	expect(files.slice(0, 4).map((file) => read(folder, file))).toEqual([String(GiB), "0", "1", "150000 100000"]);
	cell.limit({ memoryBytes: 0, cpuMillis: 0 });
	expect(files.slice(0, 4).map((file) => read(folder, file))).toEqual(["max", "max", "0", "max 100000"]);
	cell.limitTasks(400);
	expect(read(folder, "pids.max")).toBe("400");

	const mark = cell.mark();
	expect(mark).toEqual({ cpuSeconds: 1.5, peakMemoryBytes: 5_000 });
	expect(cell.peakMemoryBytes(mark)).toBe(0);
	writeFileSync(join(folder, "memory.peak"), "9000\n");
	expect(cell.peakMemoryBytes(mark)).toBe(9_000);
	expect([cell.outOfMemoryKills(), cell.memoryBytes(), cell.fileBytes(), cell.holdsOne()]).toEqual([
		2,
		4_096,
		100,
		true,
	]);
});

test("version 2: a service's own group, and one that others are in, are given no controllers", () => {
	const root = tempFolder();
	const make = (name: string, processes: string): string => {
		const folder = join(root, name);
		mkdirSync(folder);
		writeFileSync(join(folder, "cgroup.type"), "domain\n");
		writeFileSync(join(folder, "cgroup.procs"), processes);
		writeFileSync(join(folder, "cgroup.subtree_control"), "");
		return folder;
	};
	writeFileSync(join(root, "cgroup.procs"), "");
	const service = make("runmesh.service", `${process.pid}\n`);
	expect(cgroupV2(service, "runmesh-x")).toMatchObject({ keeps: [], bases: { "": join(service, "runmesh-x") } });
	const session = make("session-1.scope", `1\n${process.pid}\n`);
	expect(cgroupV2(session, "runmesh-x").keeps).toEqual([]);
	const scope = make("run-1.scope", `${process.pid}\n`);
	expect(cgroupV2(scope, "runmesh-x").keeps).toEqual(["memory", "cpu", "processes"]);
	expect(read(scope, "runmesh-agent/cgroup.procs")).toBe(String(process.pid));
});

const unified = "/sys/fs/cgroup/unified";

test.skipIf(!existsSync(`${unified}/cgroup.procs`) || process.getuid?.() !== 0)(
	"version 2, of the kernel itself: who is in a cell, what it took, and its end",
	async () => {
		const own = `${unified}/runmesh-test-${process.pid}`;
		const kind = cgroupV2(own, "cells");
		const folders = { "": `${own}/cells/1` };
		makeFolders(folders);
		const cell = kind.open(folders);
		onTestFinished(() => {
			cell.close();
			removeFolders(folders);
			for (const folder of [`${own}/cells`, own]) rmdirSync(folder);
		});
		const enter = `echo 0 >${entrancesOf(cell)[0]}; setsid sleep 60 & echo in; wait`;
		const child = spawn("/bin/sh", ["-c", enter], { stdio: ["ignore", "pipe", "ignore"] });
		await once(child.stdout, "data");
		expect(cell.processIds()).toContain(child.pid);
		expect(cell.processIds()).toHaveLength(2);
		expect(cell.cpuSeconds()).toBeGreaterThanOrEqual(0);
		const gone = once(child, "exit");
		cell.kill();
		await gone;
		await expect.poll(() => cell.processIds()).toEqual([]);
	},
);

test("version 1: what can be kept, and the order in which limits with and without swap are moved", () => {
	const root = tempFolder();
	const own = { memory: join(root, "memory"), pids: join(root, "pids") };
	const kind = cgroupV1(own, "runmesh-x");
	expect(kind).toMatchObject({ way: "cgroup v1", keeps: ["memory", "processes"] });
	expect(cgroupV1({ freezer: "/x" }, "runmesh-x")).toBeNull();
	const folders = { memory: join(own.memory, "runmesh-x", "1"), pids: join(own.pids, "runmesh-x", "1") };
	makeFolders(folders);
	writeFileSync(join(folders.memory, "memory.memsw.limit_in_bytes"), "");
	const cell = kind?.open(folders);
	cell?.limit({ memoryBytes: GiB, cpuMillis: 500 });
	const limits = (): string[] =>
		["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"].map((file) => read(folders.memory, file));
	expect(limits()).toEqual([String(GiB), String(GiB)]);
	cell?.limit({ memoryBytes: 0, cpuMillis: 0 });
	expect(limits()).toEqual(["-1", "-1"]);
});

test("a process by its line of /proc, whatever it is called", () => {
	const line = (pid: number, name: string, parent: number, session: number): string =>
		`${pid} (${name}) S ${parent} ${pid} ${session} 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0 ${pid * 10} 1000 25 1 1`;
	expect(parseStat(line(7, "a) R 1 (b", 5, 5), 4_096)).toEqual({
		...{ parent: 5, session: 5, start: 70, cpuSeconds: 1, memoryBytes: 102_400 },
	});
	expect(parseStat("7 (gone) Z 1", 4_096)).toBeNull();
	expect(parseStat("", 4_096)).toBeNull();
});

test("who is an attempt's: children, their children, its session, and those found before whose parents are gone", () => {
	const of = (parent: number, session: number, start = 1) => ({
		parent,
		session,
		start,
		cpuSeconds: 0,
		memoryBytes: 0,
	});
	const table = new Map([
		[10, of(1, 10)],
		[11, of(10, 10)],
		[12, of(11, 12)],
		[13, of(1, 10)],
		[14, of(1, 14, 5)],
		[15, of(14, 14)],
		[16, of(1, 16, 9)],
		[20, of(1, 20)],
	]);
	const known = new Map([
		[14, 5],
		[16, 8],
	]);
	expect([...familyOf(10, table, known).keys()].sort()).toEqual([11, 12, 13, 14, 15]);
});

test("an attempt's record names its box; what it took is noted behind its end, by all shells alike", () => {
	const root = tempFolder();
	const attemptId = "rtest.train.1" as AttemptId;
	const paths = attemptPaths(root, attemptId);
	mkdirSync(paths.folder);
	const record = { cell: null, use: 0, mark: { cpuSeconds: 1, peakMemoryBytes: 0 }, kept: { memory: "watched" } };
	writeFileSync(paths.launch, `# ${attemptId} 7 boot 9\n${boxLine(record)}true\n`);
	expect(readBox(paths)).toEqual(record);
	const noted = "0m0.1s 0m0.0s\n1m2.500000s 0m0.25s\n";
	writeFileSync(paths.process, `started ${attemptId}\n\nended ${attemptId} 0\n${noted}\nstarted other\n`);
	expect(readTimes(paths)).toBe(62.75);
	expect(parseTimes("0m1,500s 0m0,500s")).toBe(2);
	expect(parseTimes("ended x 0")).toBeNull();

	const limits = { cpuMillis: 0, memoryBytes: GiB, diskBytes: 0 };
	const box = newBox({ attemptId, limits, supervisor: null, cell: null, mark: record.mark, kept: record.kept });
	box.seen.peakMemoryBytes = 77;
	expect(measure(box, paths, 0)).toMatchObject({ cpuSeconds: 61.75, peakMemoryBytes: 77, limits: record.kept });

	writeFileSync(paths.launch, `# ${attemptId} 7 boot 9\ncd /\n`);
	writeFileSync(paths.process, `started ${attemptId}\n\nended ${attemptId} 0\n`);
	expect([readBox(paths), readTimes(paths)]).toEqual([null, null]);
	expect(measure(null, paths, 0)).toMatchObject({ cpuSeconds: 0, outOfMemory: "", isClean: true });
});
