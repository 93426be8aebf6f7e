/** A host that can start no more processes says nothing of its GPUs. */

import { chmodSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { watchGpus } from "#agent/gpu/monitor.ts";
import { fakeTools } from "#test/support/fake-tools.ts";
import { gpuOf } from "#test/support/gpus.ts";

const monitorOf = () => {
	const faulty: string[] = [];
	const nothing = (): void => undefined;
	const monitor = watchGpus({
		gpus: () => [gpuOf("GPU-1", 16 * 1024 ** 3)],
		attempts: () => [],
		known: () => ({ has: () => false, sessions: new Map() }),
		onFaults: () => faulty.push(monitor.faultOf("GPU-1")),
		...{ everyMs: 60_000, onLeft: nothing, onOtherDevices: nothing, onExcess: nothing, warn: nothing, nowMs: Date.now },
	});
	onTestFinished(monitor.close);
	return { monitor, faulty };
};

test("a tool that can't be started leaves its devices what they were", async () => {
	chmodSync(`${fakeTools({ "nvidia-smi": "exit 0" })}/nvidia-smi`, 0o644);
	const PATH = process.env.PATH ?? "";
	process.env.PATH = PATH.split(":")[0] ?? "";
	onTestFinished(() => {
		process.env.PATH = PATH;
	});
	const { monitor, faulty } = monitorOf();
	for (let look = 0; look < 3; look++) await monitor.look();
	expect(faulty).toEqual([]);
});

test("one that fails again and again tells of them", async () => {
	fakeTools({ "nvidia-smi": "echo no >&2; exit 9" });
	const { monitor, faulty } = monitorOf();
	for (let look = 0; look < 3; look++) await monitor.look();
	expect(faulty).toEqual(["nvidia-smi failed: no"]);
});
