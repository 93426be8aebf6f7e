/** What a look at the GPUs comes to: who uses them, who uses too much, and what is broken. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { emptyOutcome } from "#agent/core/reports.ts";
import { identityOf } from "#agent/core/state.ts";
import { parseSlices } from "#agent/fingerprint/gpu-nvidia.ts";
import { parseTable } from "#agent/fingerprint/nvidia-smi.ts";
import { blameDevices } from "#agent/gpu/blame.ts";
import { createBudgets } from "#agent/gpu/budget.ts";
import { deviceVariables, givenDevices, sharingHints } from "#agent/gpu/environment.ts";
import { createFaults } from "#agent/gpu/faults.ts";
import { xidsIn } from "#agent/gpu/kernel-log.ts";
import { type GpuAttempt, leftByOthers, type OwnedProcess } from "#agent/gpu/others.ts";
import { ownerOf } from "#agent/gpu/owners.ts";
import type { DeviceReading, Reading } from "#agent/gpu/reading.ts";
import { readAmd } from "#agent/gpu/reading-amd.ts";
import { processesOf } from "#agent/gpu/reading-nvidia.ts";
import { readSlices } from "#agent/gpu/reading-slices.ts";
import { createUsages } from "#agent/gpu/usage.ts";
import type { AttemptId } from "#shared/ids.ts";
import { commandTask } from "#test/support/agent-tasks.ts";
import { gpuOf } from "#test/support/gpus.ts";

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const recorded = (name: string): string => readFileSync(new URL(`../../fixtures/gpu/${name}`, import.meta.url), "utf8");

const gpus = [gpuOf("GPU-1", 80 * GiB), gpuOf("GPU-2", 16 * GiB)];
const device = (usedBytes: number | null, more: Partial<DeviceReading> = {}): DeviceReading => ({
	...{ usedBytes, busy: null, fault: "", uncorrected: 0, bus: "" },
	...more,
});
const reading = (devices: Record<string, DeviceReading>, more: Partial<Reading> = {}): Reading => ({
	...{ devices: new Map(Object.entries(devices)), processes: [], vendors: ["NVIDIA"], complaints: [] },
	...more,
});
const a = "r1.a.1" as AttemptId;
const b = "r1.b.1" as AttemptId;
const own = (attemptId: AttemptId, deviceId: string, bytes: number | null): OwnedProcess => ({
	...{ pid: 1, deviceId, bytes },
	owner: { kind: "attempt", attemptId },
});
const other = (pid: number, deviceId: string, bytes: number | null): OwnedProcess => ({
	...{ pid, deviceId, bytes },
	owner: { kind: "other", who: "alice, python" },
});
const unseen = (deviceId: string, bytes: number | null): OwnedProcess => ({
	...{ pid: 9, deviceId, bytes },
	owner: { kind: "unseen" },
});
const attempt = (attemptId: AttemptId, gpuIds: string[], shareBytes = 0): GpuAttempt => ({
	...{ attemptId, gpuIds, shareBytes, startedAtMs: 0 },
});

test("what attempts of this agent use is nobody else's", () => {
	const used = reading({ "GPU-1": device(11 * GiB), "GPU-2": device(0) });
	const running = [attempt(a, ["GPU-1"], 10 * GiB)];
	expect(leftByOthers(gpus, used, [own(a, "GPU-1", 11 * GiB)], running)).toEqual([]);
	// Nor is it when processes' numbers mean nothing here.
	const within = reading({ "GPU-1": device(9 * GiB), "GPU-2": device(0) });
	expect(leftByOthers(gpus, within, [unseen("GPU-1", 9 * GiB)], running)).toEqual([]);
	expect(leftByOthers(gpus, within, [], [attempt(a, ["GPU-1"])])).toEqual([]);
});

test("a colleague's process holds the device, and what is left can be shared", () => {
	const used = reading({ "GPU-1": device(20 * GiB), "GPU-2": device(2 * GiB) });
	const processes = [
		...[other(4242, "GPU-1", 9.5 * GiB), own(a, "GPU-1", 10 * GiB)],
		...[other(1, "GPU-2", 512 * MiB), other(2, "GPU-2", null), other(3, "GPU-2", 512 * MiB)],
	];
	expect(leftByOthers(gpus, used, processes, [attempt(a, ["GPU-1"], 10.5 * GiB)])).toEqual([
		{ id: "GPU-1", memoryBytes: 70.5 * GiB, reason: "pid 4242 (alice, python) uses 9.5Gi", isSeen: true },
		{
			...{ id: "GPU-2", memoryBytes: 14 * GiB, isSeen: true },
			reason: "pid 1 (alice, python) uses 512Mi; pid 2 (alice, python) uses it; and 1 more",
		},
	]);
});

test("a desktop takes some memory and leaves the device whole; more than that holds it", () => {
	const left = (bytes: number) => leftByOthers([gpuOf("GPU-2", 16 * GiB)], reading({ "GPU-2": device(bytes) }), [], []);
	expect(left(3 * MiB)).toEqual([]);
	expect(left(600 * MiB)).toEqual([{ id: "GPU-2", memoryBytes: 16 * GiB - 768 * MiB, reason: "", isSeen: true }]);
	expect(left(5 * GiB)).toEqual([
		{ id: "GPU-2", memoryBytes: 11 * GiB, reason: "5Gi used by what can't be seen", isSeen: false },
	]);
});

test("an attempt over its share is told once, after two looks, with a tenth to spare", () => {
	const { observe } = createBudgets();
	const running = [attempt(a, ["GPU-1"], 10 * GiB), attempt(b, ["GPU-2"])];
	const large = [own(a, "GPU-1", 12 * GiB), own(b, "GPU-2", 16 * GiB)];
	expect(observe(running, large)).toEqual([]);
	expect(observe(running, [own(a, "GPU-1", 11 * GiB)])).toEqual([]);
	expect(observe(running, large)).toEqual([]);
	expect(observe(running, large)).toEqual([
		{
			...{ attemptId: a, deviceId: "GPU-1", cause: "oom" },
			reason: "used 12Gi of GPU memory on GPU-1, 10Gi asked",
		},
	]);
	expect(observe(running, large)).toEqual([]);
});

test("several processes of one attempt count together, and a device that it was not given counts at once", () => {
	const { observe } = createBudgets();
	const running = [attempt(a, ["GPU-1"], 10 * GiB)];
	const both = [own(a, "GPU-1", 6 * GiB), own(a, "GPU-1", 6 * GiB), own(a, "GPU-2", GiB)];
	observe(running, both);
	expect(observe(running, both).map(({ cause, reason }) => [cause, reason])).toEqual([
		["oom", "used 12Gi of GPU memory on GPU-1, 10Gi asked"],
		["error", "used 1Gi on GPU-2, which it was not given"],
	]);
});

test("use is added up; who shares a device shares its time", () => {
	const usages = createUsages();
	const busy = reading({ "GPU-1": device(30 * GiB, { busy: 0.5 }), "GPU-2": device(4 * GiB, { busy: 1 }) });
	const running = [attempt(a, ["GPU-1", "GPU-2"]), attempt(b, ["GPU-1"], 10 * GiB)];
	const processes = [own(a, "GPU-1", 20 * GiB), own(b, "GPU-1", 9 * GiB), unseen("GPU-2", 4 * GiB)];
	usages.observe(running, busy, processes, { lastMs: 10_000, nowMs: 20_000 });
	expect(usages.usageOf(a)).toEqual({ gpuSeconds: 12.5, peakGpuMemoryBytes: 24 * GiB });
	usages.observe(running, reading({}), [own(b, "GPU-1", 2 * GiB)], { lastMs: 20_000, nowMs: 30_000 });
	expect(usages.usageOf(b)).toEqual({ gpuSeconds: 2.5, peakGpuMemoryBytes: 9 * GiB });
	const late = { ...attempt(a, ["GPU-2"]), startedAtMs: 38_000 };
	usages.observe([late], busy, [], { lastMs: 30_000, nowMs: 40_000 });
	expect(usages.usageOf(a).gpuSeconds).toBe(14.5);
	usages.keep((id) => id !== a);
	expect(usages.usageOf(a)).toEqual({ gpuSeconds: 0, peakGpuMemoryBytes: 0 });
});

test("a fault stays until the device was well ten times", () => {
	const faults = createFaults();
	const well = reading({ "GPU-1": device(0), "GPU-2": device(0) });
	expect(faults.observe(gpus, well, new Map())).toBe(false);
	const lost = reading({ "GPU-2": device(0) }, { complaints: ["GPU0: GPU is lost"] });
	expect(faults.observe(gpus, lost, new Map())).toBe(true);
	expect(faults.observe(gpus, lost, new Map())).toBe(false);
	expect([faults.of("GPU-1"), faults.of("GPU-2")]).toEqual(["the device is gone: GPU0: GPU is lost", ""]);
	for (let look = 1; look < 10; look++) expect(faults.observe(gpus, well, new Map())).toBe(false);
	expect(faults.of("GPU-1")).not.toBe("");
	expect(faults.observe(gpus, well, new Map())).toBe(true);
	expect(faults.of("GPU-1")).toBe("");
});

test("new memory errors and the kernel's word are faults; a vendor that does not tell has none", () => {
	const faults = createFaults();
	const errors = (uncorrected: number) =>
		reading({ "GPU-1": device(0, { uncorrected, bus: "0000:5f:00" }), "GPU-2": device(0) });
	faults.observe(gpus, errors(1), new Map());
	expect(faults.of("GPU-1")).toBe("");
	faults.observe(gpus, errors(3), new Map());
	expect(faults.of("GPU-1")).toBe("uncorrectable memory errors: 2 more than a moment ago");
	const known = xidsIn(recorded("dmesg.txt"), 80_000);
	expect([...known]).toEqual([
		["0000:5f:00", "Xid 79: it has fallen off the bus"],
		["0000:60:00", "Xid 95: an uncontained memory error"],
	]);
	faults.observe(gpus, errors(3), known);
	expect(faults.of("GPU-1")).toBe("Xid 79: it has fallen off the bus");
	faults.observe([gpuOf("apple-0", GiB, { vendor: "Apple" })], reading({}), new Map());
	expect(faults.of("apple-0")).toBe("");
	expect(xidsIn(recorded("dmesg.txt"), 90_000).size).toBe(0);
});

test("a look that fails twice, or says that a device is lost, is a fault of all", () => {
	const faults = createFaults();
	expect(faults.observeFailure(gpus, "nvidia-smi gave no answer in 10 s")).toBe(false);
	expect(faults.observeFailure(gpus, "nvidia-smi gave no answer in 10 s")).toBe(true);
	expect(faults.of("GPU-2")).toBe("nvidia-smi gave no answer in 10 s");
	expect(createFaults().observeFailure(gpus, "nvidia-smi failed: GPU 0000:04:00.0: GPU is lost.")).toBe(true);
});

test("a failure on a device that works is the step's own", async () => {
	const task = commandTask("a", "false");
	const failure = { cause: "error", message: "exit code 1", exitCode: 1, signal: "" } as const;
	const failed = { ...emptyOutcome(identityOf(task), "succeeded", 1), outcome: "failed", failure } as const;
	const examine = async () => "GPU-1: Xid 79: it has fallen off the bus";
	expect(await blameDevices(failed, ["GPU-1"], async () => "")).toBe(failed);
	expect(await blameDevices(failed, [], examine)).toBe(failed);
	expect((await blameDevices(failed, ["GPU-1"], examine)).failure).toEqual({
		...{ cause: "lost", message: "GPU-1: Xid 79: it has fallen off the bus; exit code 1", exitCode: 1, signal: "" },
	});
	const outOfMemory = { ...failed, failure: { ...failure, cause: "oom" } } as const;
	expect(await blameDevices(outOfMemory, ["GPU-1"], examine)).toBe(outOfMemory);
});

test("slices are read from the long report", () => {
	const slices = readSlices(recorded("h100-550-mig.xml"), parseSlices(recorded("h100-550-mig.list")));
	expect(slices.devices.map(({ id, usedBytes }) => [id.slice(0, 12), usedBytes])).toEqual([
		["MIG-5068167e", 12_330 * MiB],
		["MIG-678fc2a6", 15 * MiB],
	]);
	expect(slices.processes).toEqual([
		{ pid: 4242, deviceId: "MIG-5068167e-8438-5874-bcde-57279823597e", bytes: 12_288 * MiB },
	]);
});

test("processes may not tell what they use", () => {
	const columns = ["gpu_uuid", "pid", "used_memory"] as const;
	const processes = processesOf(parseTable(columns, columns, recorded("compute-apps.csv")).rows);
	expect(processes.map(({ pid, bytes }) => [pid, bytes])).toEqual([
		[4242, 9_728 * MiB],
		[5151, null],
	]);
});

const filesIn = (files: Record<string, string>): string => {
	const root = mkdtempSync(join(tmpdir(), "runmesh-gpu-"));
	onTestFinished(() => rmSync(root, { recursive: true, force: true }));
	for (const [path, text] of Object.entries(files)) {
		mkdirSync(join(root, path, ".."), { recursive: true });
		writeFileSync(join(root, path), text);
	}
	return root;
};

test("AMD's driver tells in files who uses what", async () => {
	const kfd = "class/kfd/kfd";
	const root = filesIn({
		[`${kfd}/topology/nodes/0/gpu_id`]: "0\n",
		[`${kfd}/topology/nodes/1/gpu_id`]: "28851\n",
		[`${kfd}/topology/nodes/1/properties`]: "cpu_cores_count 0\nunique_id 15892862937073352491\ndrm_render_minor 128\n",
		"class/drm/renderD128/device/mem_info_vram_used": "10737418240\n",
		"class/drm/renderD128/device/gpu_busy_percent": "37\n",
		[`${kfd}/proc/4242/vram_28851`]: "10200547328\n",
		[`${kfd}/proc/5151/vram_28851`]: "0\n",
	});
	const id = `GPU-${15892862937073352491n.toString(16)}`;
	const amd = await readAmd([gpuOf(id, 192 * GiB, { vendor: "AMD" })], root);
	expect(amd.devices.get(id)).toMatchObject({ usedBytes: 10_737_418_240, busy: 0.37 });
	expect(amd.processes).toEqual([{ pid: 4242, deviceId: id, bytes: 10_200_547_328 }]);
	expect((await readAmd([gpuOf(id, GiB, { vendor: "AMD" })], join(root, "nothing"))).vendors).toEqual([]);
});

test("a process is an attempt's by its environment, its session or its cgroup", () => {
	const stat = (session: number) => `1 (py (3) thon) S 1 1 ${session} 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 777 0`;
	const proc = filesIn({
		"10/stat": stat(10),
		"10/environ": `PATH=/bin\0RUNMESH_ATTEMPT=${a}\0`,
		"11/stat": stat(500),
		"11/environ": "",
		"12/stat": stat(12),
		"12/cgroup": `0::/user.slice/runmesh/${b}\n`,
		"13/stat": stat(13),
		"13/environ": "RUNMESH_ATTEMPT=another.agents.1\0",
		"13/comm": "python\n",
	});
	const known = { has: (id: string) => id === a || id === b, sessions: new Map([[500, b]]) };
	const owner = (pid: number) => ownerOf(pid, known, proc);
	expect(owner(10)).toEqual({ kind: "attempt", attemptId: a });
	expect(owner(11)).toEqual({ kind: "attempt", attemptId: b });
	expect(owner(12)).toEqual({ kind: "attempt", attemptId: b });
	expect(owner(13)).toEqual({ kind: "other", who: expect.stringMatching(/, python$/) });
	expect(owner(14)).toEqual({ kind: "unseen" });
});

test("a step sees its devices, whoever made them, and none when it has none", () => {
	const nvidia = gpuOf("MIG-1", 10 * GiB, { parent: "GPU-1" });
	const amd = [gpuOf("GPU-dc91284879207f2b", GiB, { vendor: "AMD" }), gpuOf("amd-3", GiB, { vendor: "AMD", index: 3 })];
	const jetson = gpuOf("jetson-0", GiB, { index: 0 });
	const both = ["NVIDIA", "AMD"];
	const hidden = { ROCR_VISIBLE_DEVICES: "", HIP_VISIBLE_DEVICES: "-1" };
	const none = { CUDA_VISIBLE_DEVICES: "", NVIDIA_VISIBLE_DEVICES: "void" };
	expect(deviceVariables({ given: [], shareBytes: 0, vendors: both })).toEqual({ ...none, ...hidden });
	expect(deviceVariables({ given: [], shareBytes: 0, vendors: [] })).toEqual({});
	expect(deviceVariables({ given: [nvidia], shareBytes: 0, vendors: both })).toEqual({
		...{ CUDA_DEVICE_ORDER: "PCI_BUS_ID", CUDA_VISIBLE_DEVICES: "MIG-1", NVIDIA_VISIBLE_DEVICES: "MIG-1" },
		...hidden,
	});
	expect(deviceVariables({ given: amd, shareBytes: GiB, vendors: ["AMD"] })).toEqual({
		...{ ROCR_VISIBLE_DEVICES: "GPU-dc91284879207f2b,3", HIP_VISIBLE_DEVICES: "0,1" },
		RUNMESH_GPU_MEMORY: String(GiB),
	});
	expect(deviceVariables({ given: [jetson], shareBytes: 0, vendors: ["NVIDIA"] })).toMatchObject({
		CUDA_VISIBLE_DEVICES: "0",
	});
});

test("libraries that would take the whole device are told of the share", () => {
	const given = [gpuOf("GPU-1", 80 * GiB)];
	expect(sharingHints({ given, shareBytes: 8.5 * GiB, vendors: [] })).toEqual({
		...{ XLA_PYTHON_CLIENT_MEM_FRACTION: "0.1", TF_FORCE_GPU_ALLOW_GROWTH: "true" },
	});
	expect(sharingHints({ given, shareBytes: 0, vendors: [] })).toEqual({});
	expect(() => givenDevices(["GPU-2"], given)).toThrow("the device GPU-2, which it was given, is gone");
});
