/** What `doctor` says of GPUs, with stand-ins for the vendors' tools on PATH. */

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { checkGpu } from "#cli/doctor/gpu.ts";

const withTool = (tool: string, script: string, env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => {
	const bin = mkdtempSync(join(tmpdir(), "runmesh-tools-"));
	onTestFinished(() => rmSync(bin, { recursive: true, force: true }));
	writeFileSync(join(bin, tool), `#!/bin/sh\n${script}\n`);
	chmodSync(join(bin, tool), 0o755);
	return { PATH: bin, ...env };
};

test("devices are counted, with their driver and its CUDA", async () => {
	const script = `case "$1" in
		--query*) echo "Tesla T4, 525.105.17"; echo "Tesla T4, 525.105.17"; echo "NVIDIA A100-SXM4-80GB, 525.105.17" ;;
		*) echo "| NVIDIA-SMI 525.105.17   Driver Version: 525.105.17   CUDA Version: 12.0     |" ;;
	esac`;
	const found = "2 × Tesla T4, NVIDIA A100-SXM4-80GB; driver 525.105.17, CUDA 12.0";
	expect(await checkGpu(withTool("nvidia-smi", script))).toMatchObject({ verdict: "ok", detail: found });
	const check = await checkGpu(withTool("nvidia-smi", script, { CUDA_VISIBLE_DEVICES: "0" }));
	expect(check.detail).toContain("CUDA_VISIBLE_DEVICES=0 is not heeded");
});

test.for([
	["Failed to initialize NVML: Driver/library version mismatch", /reboot/],
	["NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", /modprobe nvidia/],
	["No devices were found", /lspci/],
	["something else", /check the driver/],
] as const)("%s: what to do", async ([said, advice]) => {
	const check = await checkGpu(withTool("nvidia-smi", `echo "${said}"; exit 9`));
	expect(check).toMatchObject({ verdict: "warn", detail: `nvidia-smi fails: ${said}` });
	expect(check.advice).toMatch(advice);
});

test("a device that is lost beside one that works", async () => {
	const lost = "Unable to determine the device handle for GPU1: 0000:44:00.0: Unknown Error";
	const check = await checkGpu(withTool("nvidia-smi", `echo "Tesla T4, 525.1"; echo "${lost}" >&2`));
	expect(check).toMatchObject({ verdict: "warn", detail: expect.stringContaining(`Tesla T4; driver 525.1; ${lost}`) });
	expect(check.advice).toMatch(/gone from its bus/);
});

test("AMD's need the right to open their device", async () => {
	const script = `echo '{"card0": {"Card Series": "AMD Instinct MI300X"}, "card1": {"Card Series": "AMD Instinct MI300X"}}'`;
	expect((await checkGpu(withTool("rocm-smi", script))).detail).toContain("2 × AMD Instinct MI300X");
});

test("none is no problem", async () => {
	expect(await checkGpu({ PATH: "/nowhere" })).toMatchObject({ verdict: "ok" });
});
