/** What the probes make of the answers of the vendors' tools, over several generations of devices. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAmdSmi, parseRocmSmi } from "#agent/fingerprint/gpu-amd.ts";
import { parseDisplays } from "#agent/fingerprint/gpu-apple.ts";
import { jetsonGpus } from "#agent/fingerprint/gpu-jetson.ts";
import { nvidiaColumns, parseNvidiaGpus, parseSlices } from "#agent/fingerprint/gpu-nvidia.ts";
import { givenOf, lostOf } from "#agent/fingerprint/gpus.ts";
import { memoryBytes } from "#agent/fingerprint/memory.ts";
import { remappedFaultsOf } from "#agent/fingerprint/nvidia-health.ts";
import { parseTable, refusedColumn } from "#agent/fingerprint/nvidia-smi.ts";
import { gpuOf } from "#test/support/gpus.ts";

const recorded = (name: string): string => readFileSync(new URL(`../../fixtures/gpu/${name}`, import.meta.url), "utf8");

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const GB = 1000 ** 3;

/** Drivers before 510 don't know the compute capability. */
const nvidia = (name: string, { isOld = false, list = "" } = {}) => {
	const known = nvidiaColumns.filter((column) => !isOld || column !== "compute_cap");
	return parseNvidiaGpus(parseTable(nvidiaColumns, known, recorded(name)), list && recorded(list));
};

test("a K80 is two devices, and its driver tells no compute capability", () => {
	const { gpus, problem } = nvidia("k80-450.csv", { isOld: true });
	expect(problem).toBe("");
	expect(gpus).toHaveLength(2);
	expect(gpus[1]).toEqual({
		...{ id: "GPU-7d1b9e02-33aa-94c5-51de-0c6f8a2e7b35", vendor: "NVIDIA", model: "Tesla K80", index: 1 },
		...{ memoryBytes: 11_441 * MiB, driver: "450.119.03", computeCapability: "", parent: "", fault: "" },
	});
});

test.for([
	["t4-525.csv", { model: "Tesla T4", memoryBytes: 15_360 * MiB, computeCapability: "7.5" }],
	["rtx3090-545.csv", { model: "NVIDIA GeForce RTX 3090", memoryBytes: 24_576 * MiB, computeCapability: "8.6" }],
	["rtx4090-550.csv", { model: "NVIDIA GeForce RTX 4090", memoryBytes: 24_564 * MiB, computeCapability: "8.9" }],
] as const)("%s is one device that works", ([name, expected]) => {
	expect(nvidia(name)).toEqual({
		gpus: [expect.objectContaining({ ...expected, fault: "", parent: "" })],
		problem: "",
	});
});

test("a device without memory of its own has the machine's", () => {
	expect(nvidia("gb10-580.csv").gpus).toMatchObject([{ model: "NVIDIA GB10", memoryBytes: memoryBytes(), fault: "" }]);
});

test("memory that fails, and a device that does not answer, are faults of the device", () => {
	expect(nvidia("p100-470.csv", { isOld: true }).gpus[0]?.fault).toMatch(/a page waits to be retired/);
	const [well, silent] = nvidia("v100-535.csv").gpus;
	expect(well?.fault).toBe("");
	expect(silent).toMatchObject({ fault: "the device does not answer: Unknown Error", memoryBytes: 32_768 * MiB });
	expect(nvidia("a100-535.csv").gpus.map(({ fault }) => fault)).toEqual([
		"",
		"3 uncorrectable memory errors since the driver was loaded",
	]);
});

test("rows that wait to be remapped, or can't be", () => {
	const columns = ["gpu_uuid", "remapped_rows.pending", "remapped_rows.failure"] as const;
	const faults = remappedFaultsOf(parseTable(columns, columns, recorded("remapped-rows.csv")).rows);
	expect([...faults]).toEqual([
		["GPU-c92e2d5d-4a69-f1cd-4df0-305f8606705a", expect.stringContaining("waits to be remapped")],
		["GPU-66aa0b1c-9d8e-47f6-a5b4-c3d2e1f00912", expect.stringContaining("could not be remapped")],
	]);
});

test("instead of a device that is split stand its slices, with what they can be counted on to have", () => {
	const { gpus, problem } = nvidia("h100-550-mig.csv", { list: "h100-550-mig.list" });
	const parent = "GPU-e284f2f0-b7db-deb5-4d10-143420128721";
	expect(gpus.map(({ id, parent, memoryBytes }) => ({ id, parent, memoryBytes }))).toEqual([
		{ id: "MIG-5068167e-8438-5874-bcde-57279823597e", parent, memoryBytes: 40 * GB },
		{ id: "MIG-678fc2a6-04b2-5b9d-9757-d70ae2c5d8bc", parent, memoryBytes: 10 * GB },
		{ id: "MIG-4874c758-673a-541a-847f-37122c4de0d8", parent, memoryBytes: 20 * GB },
		{ id: "GPU-17f1c0de-2b3a-4958-8c7d-6e5f40312233", parent: "", memoryBytes: 81_559 * MiB },
	]);
	expect(gpus[1]).toMatchObject({ model: "NVIDIA H100 80GB HBM3 MIG 1g.10gb", computeCapability: "9.0", index: 0 });
	expect(problem).toBe("GPU-66aa0b1c-9d8e-47f6-a5b4-c3d2e1f00912 is split by MIG and has no instances");
});

test("the first drivers with slices name them by two numbers", () => {
	const { gpus } = nvidia("a100-450-mig.csv", { isOld: true, list: "a100-450-mig.list" });
	expect(gpus.map(({ id }) => id.slice(-4))).toEqual(["/2/0", "/7/0", "/8/0"]);
	expect(parseSlices(recorded("a100-450-mig.list")).map(({ profile }) => profile)).toEqual([
		"3g.20gb",
		"1g.5gb",
		"1g.5gb",
	]);
});

test("a device that is lost is told of, and the others are there", () => {
	const { gpus, problem } = nvidia("rtx3080-lost.csv");
	expect(gpus).toHaveLength(1);
	expect(problem).toContain("0000:04:00.0: GPU is lost.");
});

test.for(["mismatch.txt", "none.txt"])("%s is no table", (name) => {
	const { rows, complaints } = parseTable(nvidiaColumns, nvidiaColumns, recorded(name));
	expect(rows).toEqual([]);
	expect(complaints[0]).toBe(recorded(name).split("\n")[0]);
});

test("a column that a driver does not know is named", () => {
	expect(refusedColumn(recorded("refused-470.txt"))).toBe("compute_cap");
	expect(refusedColumn(recorded("none.txt"))).toBeNull();
});

test("AMD's devices, by tools of several years", () => {
	expect(parseRocmSmi(recorded("rocm-smi-mi250.txt")).gpus).toMatchObject([
		{ id: "GPU-09391e37ab64c4da", vendor: "AMD", memoryBytes: 68_702_699_520, driver: "5.18.13", index: 0 },
		{ id: "GPU-27d9ea6f2ab1f0c3", model: "AMD INSTINCT MI250 (MCM) OAM AC MBA", index: 1 },
	]);
	expect(parseRocmSmi(recorded("rocm-smi-mi300.txt")).gpus).toMatchObject([
		{ id: "GPU-dc91284879207f2b", model: "AMD Instinct MI300X", computeCapability: "gfx942", driver: "6.8.5" },
	]);
	expect(parseRocmSmi(recorded("rocm-smi-780m.txt")).gpus).toMatchObject([{ id: "amd-0", model: "AMD 0x1900" }]);
	expect(parseAmdSmi(recorded("amd-smi-mi300.txt")).gpus).toMatchObject([
		{
			id: "GPU-6f1f0a2b3c4d5e6f",
			memoryBytes: 196_592 * MiB,
			driver: "6.12.12",
			computeCapability: "gfx942",
			fault: "",
		},
		{ id: "GPU-0a1b2c3d4e5f6071", fault: "its memory has failed: too many bad pages" },
	]);
	expect(() => parseRocmSmi("Driver not initialized (amdgpu not found in modules)")).toThrow(
		/said no JSON: Driver not/,
	);
});

test("partitions of one card share its id: their numbers tell them apart", () => {
	const card = { "Unique ID": "0xdc91284879207f2b", "VRAM Total Memory (B)": "1024", "Card Series": "AMD MI300X" };
	const { gpus } = parseRocmSmi(JSON.stringify({ card0: card, card1: card }));
	expect(gpus.map(({ id }) => id)).toEqual(["amd-0", "amd-1"]);
});

test("Apple's chips lend their GPU a part of the machine's memory", () => {
	expect(parseDisplays(recorded("apple-m1.txt"), 16 * GiB).gpus).toMatchObject([
		{ id: "apple-0", vendor: "Apple", model: "Apple M1 (8 cores)", memoryBytes: Math.floor((32 * GiB) / 3) },
	]);
	expect(parseDisplays(recorded("apple-m3-max.txt"), 64 * GiB).gpus).toMatchObject([
		{ model: "Apple M3 Max (40 cores)", memoryBytes: 48 * GiB, computeCapability: "metal3" },
	]);
	expect(parseDisplays(recorded("intel-mac.txt"), 16 * GiB).gpus).toEqual([]);
});

test("a Jetson is known by its device tree", () => {
	const [model, compatible, release] = ["model", "compatible", "release"].map((part) =>
		recorded(`jetson-orin.${part}`),
	);
	expect(jetsonGpus(model ?? "", compatible ?? "", release ?? "", 64 * GiB)).toEqual([
		{
			...{ id: "jetson-0", vendor: "NVIDIA", model: "NVIDIA Jetson AGX Orin Developer Kit", index: 0 },
			...{ memoryBytes: 64 * GiB, driver: "L4T 36.4.0", computeCapability: "8.7", parent: "", fault: "" },
		},
	]);
	expect(jetsonGpus("Raspberry Pi 5 Model B Rev 1.0\0", "raspberrypi,5-model-b\0brcm,bcm2712\0", "", GiB)).toEqual([]);
});

test("an owner gives devices by number, by id, or by the device that slices are parts of", () => {
	const gpus = [
		gpuOf("GPU-a", GiB, { index: 0 }),
		gpuOf("MIG-1", GiB, { index: 1, parent: "GPU-b" }),
		gpuOf("MIG-2", GiB, { index: 1, parent: "GPU-b" }),
	];
	const ids = (...given: string[]) => givenOf(gpus, given).gpus.map(({ id }) => id);
	expect(ids()).toEqual(["GPU-a", "MIG-1", "MIG-2"]);
	expect(ids("none")).toEqual([]);
	expect(ids("1")).toEqual(["MIG-1", "MIG-2"]);
	expect(ids("GPU-b")).toEqual(["MIG-1", "MIG-2"]);
	expect(ids("MIG-2", "0")).toEqual(["GPU-a", "MIG-2"]);
	expect(givenOf(gpus, ["4"]).problem).toBe("--gpus names what is not here: 4");
});

test("a device that is lost is still known, one that was split or taken out is not", () => {
	const [whole, other] = [gpuOf("GPU-a", GiB), gpuOf("GPU-b", GiB)];
	const slice = gpuOf("MIG-1", GiB, { parent: "GPU-a" });
	const problem = "Unable to determine the device handle for GPU0: GPU is lost.";
	expect(lostOf([whole, other], [other], problem)).toEqual([{ ...whole, fault: `the device is gone: ${problem}` }]);
	expect(lostOf([whole, other], [other], "")).toEqual([]);
	expect(lostOf([whole, other], [slice, other], problem)).toEqual([]);
	expect(lostOf([slice, other], [{ ...slice, id: "MIG-2" }, other], problem)).toEqual([]);
	expect(lostOf([slice, other], [whole, other], problem)).toEqual([]);
});
