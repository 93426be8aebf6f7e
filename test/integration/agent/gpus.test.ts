/** GPUs from the probe to the step's environment, with a stand-in for nvidia-smi: the host need not have any. */

import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type AgentRig, agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";
import { gpu, standInNvidia, twoGpus } from "#test/support/stand-in-nvidia.ts";

const GiB = 1024 ** 3;
const OFTEN = ["--gpu-interval", "200ms"];

const wanting = (memoryBytes: number, model = "") => ({
	resources: { cpuMillis: 10, memoryBytes: 1024, gpu: { count: 1, memoryBytes, model }, diskBytes: 0, named: {} },
});

/** What the newest heartbeat says of the devices. */
const left = (rig: AgentRig) => rig.heartbeats.at(-1)?.usable?.devices ?? [];

const faultOf = async (rig: AgentRig, id: string): Promise<string | undefined> =>
	(await rig.advert())?.fingerprint?.gpus.find((device) => device.id === id)?.fault;

test("steps get their devices, no others, and a restarted agent knows who holds what", async () => {
	const rig = await agentRig();
	standInNvidia(rig, { unknown: ["compute_cap"] });
	await rig.startAgent();
	await expect
		.poll(async () => (await rig.advert())?.capacity?.gpu)
		.toEqual({ count: 2, memoryBytes: 15 * GiB, model: "" });
	const gate = join(rig.home.root, "gate");
	const print = "echo $CUDA_DEVICE_ORDER $CUDA_VISIBLE_DEVICES > $RUNMESH_OUTPUTS/devices";
	const whole = commandTask("whole", `${print}; until [ -e ${gate} ]; do sleep 0.05; done`, wanting(0, "A100"));
	await rig.send(whole);
	await rig.started(whole);
	await rig.endAgent("SIGKILL");
	await rig.startAgent();
	const other = commandTask("other", "true", wanting(GiB, "A100"));
	await rig.send(other);
	expect(await rig.declined(other)).toBe("gpu: 1 × A100 with 1Gi free wanted, 0 of 1 free");
	const share = commandTask("share", `${print}; cat $RUNMESH_OUTPUTS/devices >&2; exit 1`, wanting(GiB));
	await rig.send(share);
	expect((await rig.finished(share)).failure?.message).toContain("PCI_BUS_ID GPU-2");
	const none = commandTask("none", 'echo "devices:$CUDA_VISIBLE_DEVICES." >&2; exit 1');
	await rig.send(none);
	expect((await rig.finished(none)).failure?.message).toContain("devices:.");
	expect(await readFile(join(rig.folder(whole), "outputs", "devices"), "utf8")).toBe("PCI_BUS_ID GPU-1\n");
	await writeFile(gate, "");
	expect((await rig.finished(whole)).outcome).toBe("succeeded");
});

test("a driver that is broken is told as a problem, and the agent works without", async () => {
	const rig = await agentRig();
	standInNvidia(rig, { gpus: [], complaint: "couldn't communicate with the NVIDIA driver", code: 9 });
	await rig.startAgent();
	const task = commandTask("plain", "true");
	await rig.send(task);
	expect((await rig.finished(task)).outcome).toBe("succeeded");
	await expect
		.poll(async () => (await rig.advert())?.fingerprint, { timeout: 20_000 })
		.toMatchObject({
			gpus: [],
			problems: { gpu: "nvidia-smi failed: couldn't communicate with the NVIDIA driver" },
			runtimes: { node: process.version },
		});
});

test("an owner gives some devices, and steps see none of the others", async () => {
	const rig = await agentRig();
	standInNvidia(rig);
	await rig.startAgent("--gpus", "GPU-2,7");
	const task = commandTask("large", "true", wanting(0, "A100"));
	await rig.send(task);
	expect(await rig.declined(task)).toBe("gpu: 1 × A100 wanted, 0 here");
	expect((await rig.advert())?.fingerprint).toMatchObject({
		gpus: [{ id: "GPU-2", index: 1 }],
		problems: { gpu: "--gpus names what is not here: 7" },
	});
	await rig.endAgent();
	await rig.startAgent("--gpus", "none");
	const none = commandTask("none", 'echo "devices:$CUDA_VISIBLE_DEVICES,$NVIDIA_VISIBLE_DEVICES." >&2; exit 1');
	await rig.send(none);
	expect((await rig.finished(none)).failure?.message).toContain("devices:,void.");
});

test("a device that somebody else uses is not whole, with the reason, and a share fits beside them", async () => {
	const rig = await agentRig();
	const say = standInNvidia(rig);
	await rig.startAgent(...OFTEN, "--others", "subtract");
	const colleague = spawn("sleep", ["1000"]);
	onTestFinished(() => void colleague.kill());
	say({
		gpus: [{ ...(twoGpus[0] ?? {}), "memory.used": "9731" }, twoGpus[1] ?? {}],
		apps: [{ gpu_uuid: "GPU-1", pid: colleague.pid ?? 0, used_memory: 9728 }],
	});
	const reason = `pid ${colleague.pid} (${userInfo().username}, sleep) uses 9.5Gi`;
	await rig.until(() => left(rig).some((device) => device.reason === reason));
	expect(left(rig)).toEqual([{ id: "GPU-1", memoryBytes: (81_920 - 9_731) * 1024 ** 2, reason }]);
	const whole = commandTask("whole", "true", wanting(0, "A100"));
	await rig.send(whole);
	expect(await rig.declined(whole)).toBe(`gpu: 1 × A100 whole wanted, 0 of 1 free (GPU-1: ${reason})`);
	const share = commandTask("share", "true", wanting(70 * GiB));
	await rig.send(share);
	expect((await rig.finished(share)).outcome).toBe("succeeded");
	say({ gpus: twoGpus, apps: [] });
	await rig.until(() => left(rig).length === 0);
	const again = commandTask("again", "true", wanting(0, "A100"));
	await rig.send(again);
	expect((await rig.finished(again)).outcome).toBe("succeeded");
});

/** Runs until it is stopped; resolves with its process. */
const startSharing = async (rig: AgentRig, step: string, memoryBytes: number): Promise<number> => {
	const file = join(rig.home.root, `${step}.pid`);
	const command = `echo $$ > ${file}.new; mv ${file}.new ${file}; until [ -e ${rig.home.root}/${step}.gate ]; do sleep 0.05; done`;
	const task = commandTask(step, command, wanting(memoryBytes));
	await rig.send(task);
	await rig.started(task);
	return await expect
		.poll(() => readFile(file, "utf8").catch(() => ""))
		.toMatch(/\d+/)
		.then(async () => Number(await readFile(file, "utf8")));
};

test("an attempt that uses more than its share is stopped, and the one beside it goes on", async () => {
	const rig = await agentRig();
	const say = standInNvidia(rig);
	await rig.startAgent(...OFTEN);
	const modest = await startSharing(rig, "modest", 4 * GiB);
	const greedy = await startSharing(rig, "greedy", 4 * GiB);
	say({
		gpus: [twoGpus[0] ?? {}, { ...twoGpus[1], "utilization.gpu": "80" }],
		apps: [
			{ gpu_uuid: "GPU-2", pid: modest, used_memory: 4300 },
			{ gpu_uuid: "GPU-2", pid: greedy, used_memory: 10_240 },
		],
	});
	const task = commandTask("greedy", "");
	const { failure } = await rig.finished(task);
	expect(failure).toMatchObject({ cause: "oom", message: "used 10Gi of GPU memory on GPU-2, 4Gi asked" });
	say({ apps: [] });
	await writeFile(join(rig.home.root, "modest.gate"), "");
	const { outcome, usage } = await rig.finished(commandTask("modest", ""));
	expect(outcome).toBe("succeeded");
	expect(usage?.peakGpuMemoryBytes).toBe(4_300 * 1024 ** 2);
	expect(usage?.gpuSeconds).toBeGreaterThan(0);
});

test("an attempt on a device that it was not given is stopped", async () => {
	const rig = await agentRig();
	const say = standInNvidia(rig);
	await rig.startAgent(...OFTEN);
	const pid = await startSharing(rig, "stray", 4 * GiB);
	say({ apps: [{ gpu_uuid: "GPU-1", pid, used_memory: 1024 }] });
	const { failure } = await rig.finished(commandTask("stray", ""));
	expect(failure).toMatchObject({ cause: "error", message: "used 1Gi on GPU-1, which it was not given" });
});

test("a failure on a device that is lost is not the step's, and nobody is given the device", async () => {
	const rig = await agentRig();
	const say = standInNvidia(rig);
	await rig.startAgent();
	const gate = join(rig.home.root, "gate");
	const task = commandTask("train", `until [ -e ${gate} ]; do sleep 0.05; done; exit 3`, wanting(0, "A100"));
	await rig.send(task);
	await rig.started(task);
	const lost =
		"Unable to determine the device handle for GPU0: 0000:3B:00.0: GPU is lost.  Reboot the system to recover this GPU";
	say({ gpus: twoGpus.slice(1), complaint: lost });
	await writeFile(gate, "");
	const { failure } = await rig.finished(task);
	expect(failure?.cause).toBe("lost");
	expect(failure?.message).toContain(`GPU-1: the device is gone: ${lost}; exit code 3`);
	await expect.poll(() => faultOf(rig, "GPU-1")).toBe(`the device is gone: ${lost}`);
	const next = commandTask("next", "true", wanting(0, "A100"));
	await rig.send(next);
	expect(await rig.declined(next)).toContain("0 of 1 free (GPU-1: the device is gone");
	const elsewhere = commandTask("elsewhere", "true", wanting(0, "T4"));
	await rig.send(elsewhere);
	expect((await rig.finished(elsewhere)).outcome).toBe("succeeded");
});

test("a device that fails and recovers is kept closed for a while, then given again", async () => {
	const rig = await agentRig();
	const say = standInNvidia(rig);
	await rig.startAgent("--gpu-interval", "50ms");
	say({ gpus: [gpu("GPU-1", { ...twoGpus[0], "retired_pages.pending": "Yes" }), twoGpus[1] ?? {}] });
	await expect.poll(() => faultOf(rig, "GPU-1"), { timeout: 50_000 }).toContain("uncorrectable memory errors");
	say({ gpus: twoGpus });
	await expect.poll(() => faultOf(rig, "GPU-1"), { timeout: 50_000 }).toBe("");
}, 120_000);

test("an nvidia-smi that hangs takes its devices with it, not the agent", async () => {
	const rig = await agentRig();
	const say = standInNvidia(rig);
	await rig.startAgent("--gpu-interval", "100ms");
	say({ hangs: true });
	const task = commandTask("plain", "true");
	await rig.send(task);
	expect((await rig.finished(task)).outcome).toBe("succeeded");
	await expect.poll(() => faultOf(rig, "GPU-1"), { timeout: 50_000 }).toContain("gave no answer");
	const beats = rig.heartbeats.length;
	await rig.until(() => rig.heartbeats.length > beats);
}, 120_000);

test("slices of a split device are given, watched, and kept to their shares", async () => {
	const rig = await agentRig();
	const slices = ["MIG-1111", "MIG-2222"];
	const report = (used: number, pid: number): string => `<gpu id="00000000:3B:00.0">
		<mig_devices>
			<mig_device><index>0</index><gpu_instance_id>7</gpu_instance_id><compute_instance_id>0</compute_instance_id>
				<fb_memory_usage><total>9984 MiB</total><used>${used} MiB</used></fb_memory_usage></mig_device>
			<mig_device><index>1</index><gpu_instance_id>8</gpu_instance_id><compute_instance_id>0</compute_instance_id>
				<fb_memory_usage><total>9984 MiB</total><used>12 MiB</used></fb_memory_usage></mig_device>
		</mig_devices>
		<uuid>GPU-1</uuid>
		<processes><process_info><gpu_instance_id>7</gpu_instance_id><compute_instance_id>0</compute_instance_id>
			<pid>${pid}</pid><type>C</type><used_memory>${used} MiB</used_memory></process_info></processes>
	</gpu>`;
	const say = standInNvidia(rig, {
		gpus: [gpu("GPU-1", { ...twoGpus[0], "mig.mode.current": "Enabled", "memory.used": "[N/A]" })],
		list: [
			"GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-1)",
			...slices.map((id, at) => `  MIG 1g.10gb     Device  ${at}: (UUID: ${id})`),
		].join("\n"),
		report: report(12, 1),
	});
	await rig.startAgent(...OFTEN);
	const pid = await startSharing(rig, "slice", 4 * GiB);
	expect((await rig.advert())?.fingerprint?.gpus).toMatchObject(
		slices.map((id) => ({ id, parent: "GPU-1", memoryBytes: 10 * 1000 ** 3 })),
	);
	const two = { ...wanting(0).resources, gpu: { count: 2, memoryBytes: 0, model: "" } };
	const pair = commandTask("pair", "true", { resources: two });
	await rig.send(pair);
	expect(await rig.declined(pair)).toBe("gpu: 2 × GPU wanted, 0 here beside 2 slices, which can't work together");
	// The driver names the device itself for processes on its slices: that is nobody's then.
	say({ report: report(8_192, pid), apps: [{ gpu_uuid: "GPU-1", pid, used_memory: 8_192 }] });
	expect((await rig.finished(commandTask("slice", ""))).failure).toMatchObject({
		...{ cause: "oom", message: "used 8Gi of GPU memory on MIG-1111, 4Gi asked" },
	});
});
