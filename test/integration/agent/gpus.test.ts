/** GPUs from the probe to the step's environment, with a stand-in for nvidia-smi: the host need not have any. */

import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { type AgentRig, agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";

const GiB = 1024 ** 3;

const rigWithGpus = async (script: string): Promise<AgentRig> => {
	const rig = await agentRig();
	const bin = join(rig.home.root, "bin");
	await mkdir(bin);
	await writeFile(join(bin, "nvidia-smi"), `#!/bin/sh\n${script}\n`);
	await chmod(join(bin, "nvidia-smi"), 0o755);
	rig.env.PATH = [bin, process.env.PATH].join(delimiter);
	return rig;
};

const twoDevices = `echo "GPU-1, NVIDIA A100, 81920, 550.1, Disabled"; echo "GPU-2, Tesla T4, 15360, 550.1, [N/A]"`;
const wanting = (memoryBytes: number, model = "") => ({
	resources: { cpuMillis: 10, memoryBytes: 1024, gpu: { count: 1, memoryBytes, model } },
});

test("steps get their devices, no others, and a restarted agent knows who holds what", async () => {
	const rig = await rigWithGpus(twoDevices);
	await rig.startAgent();
	expect((await rig.advert())?.capacity?.gpu).toEqual({ count: 2, memoryBytes: 15 * GiB, model: "" });
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
	const rig = await rigWithGpus('echo "couldn\'t communicate with the NVIDIA driver"; exit 9');
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
