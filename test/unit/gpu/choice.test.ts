/** Which devices a request gets: the rule, and that the coordinator and the agent mean the same ones by it. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { createLedger, release, reserve } from "#agent/core/capacity.ts";
import { chooseDevices } from "#coordinator/placement/devices.ts";
import { adoptAdvert, adoptUsable, type Claim, claimOn, newNode, releaseClaim } from "#coordinator/placement/node.ts";
import type { Advert, Gpu, GpuRequest, Resources, Usable } from "#shared/domain.ts";
import { chooseGpus, type DeviceRoom, gpuShortage } from "#shared/gpu-choice.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import { gpuOf } from "#test/support/gpus.ts";

const GiB = 1024 ** 3;

const room = (id: string, freeGiB: number, more: Partial<DeviceRoom> = {}): DeviceRoom => ({
	...{ id, model: "T4", parent: "", reason: "", freeBytes: freeGiB * GiB, claims: 0 },
	...more,
});
const request = (more: Partial<GpuRequest>): GpuRequest => ({ count: 1, memoryBytes: 0, model: "", ...more });
const chosen = (devices: DeviceRoom[], more: Partial<GpuRequest>) =>
	chooseGpus(devices, request(more))?.map(({ id }) => id) ?? null;

test("a share goes where others are already, then to the smallest device", () => {
	const devices = [room("small", 16), room("begun", 60, { claims: 1 }), room("large", 80)];
	expect(chosen(devices, { memoryBytes: 10 * GiB })).toEqual(["begun"]);
	expect(chosen([room("small", 16), room("large", 80)], { memoryBytes: 10 * GiB })).toEqual(["small"]);
	expect(chosen(devices, { memoryBytes: 70 * GiB })).toEqual(["large"]);
	expect(chosen(devices, {})).toEqual(["small"]);
});

test("a device that somebody else uses is not whole, but has room for a share", () => {
	const devices = [room("held", 70, { reason: "pid 4242 (alice, python) uses 9.5Gi" })];
	expect(chosen(devices, {})).toBeNull();
	expect(chosen(devices, { memoryBytes: 70 * GiB })).toEqual(["held"]);
	expect(gpuShortage(devices, request({}))).toBe(
		"gpu: 1 × GPU whole wanted, 0 of 1 free (held: pid 4242 (alice, python) uses 9.5Gi)",
	);
});

test("slices are given to those who want one device, and to nobody who wants several", () => {
	const devices = [room("whole", 80), room("MIG-1", 10, { parent: "p" }), room("MIG-2", 10, { parent: "p" })];
	expect(chosen(devices, {})).toEqual(["MIG-1"]);
	expect(chosen(devices, { memoryBytes: 20 * GiB })).toEqual(["whole"]);
	expect(chosen(devices, { count: 2 })).toBeNull();
	expect(gpuShortage(devices, request({ count: 2 }))).toBe(
		"gpu: 2 × GPU wanted, 1 here beside 2 slices, which can't work together",
	);
});

test("a faulty device is given to nobody", () => {
	const faulty = gpuOf("GPU-1", 16 * GiB, { fault: "Xid 79: it has fallen off the bus" });
	const ledger = createLedger({
		...{ cpuMillis: 1000, memoryBytes: GiB, diskBytes: GiB, named: {} },
		gpus: [faulty, gpuOf("GPU-2", 16 * GiB)],
	});
	const wanted = resources({ count: 1, memoryBytes: GiB, model: "" });
	for (const id of ["1", "2"]) {
		expect(reserve(ledger, id as AttemptId, wanted)).toEqual({ gpuIds: ["GPU-2"] });
	}
	expect(reserve(ledger, "3" as AttemptId, resources({ count: 2, memoryBytes: 0, model: "" }))).toEqual({
		refused: "gpu: 2 × GPU whole wanted, 0 of 2 free (GPU-1: Xid 79: it has fallen off the bus)",
	});
});

const resources = (gpu: GpuRequest): Resources => ({
	...{ cpuMillis: 0, memoryBytes: 0, diskBytes: 0, named: {} },
	gpu,
});

const devices = fc
	.array(
		fc.record({
			memory: fc.integer({ min: 1, max: 8 }),
			model: fc.constantFrom("T4", "A100"),
			parent: fc.constantFrom("", "", "GPU-parent"),
			fault: fc.constantFrom("", "", "", "broken"),
			left: fc.option(
				fc.record({ part: fc.integer({ min: 0, max: 4 }), reason: fc.constantFrom("", "pid 1 uses it") }),
			),
		}),
		{ minLength: 1, maxLength: 6 },
	)
	.map((list) => {
		const gpus = list.map(({ memory, model, parent, fault }, at) =>
			gpuOf(`GPU-${at}`, memory * GiB, { model, parent, fault }),
		);
		const held = list.flatMap(({ memory, left }, at) =>
			left ? [{ id: `GPU-${at}`, memoryBytes: (memory * GiB * left.part) / 4, reason: left.reason }] : [],
		);
		const usable: Usable = { cpuMillis: 0, memoryBytes: 0, diskBytes: 0, devices: held };
		return { gpus, usable };
	});

const moves = fc.array(
	fc.oneof(
		fc.record({
			kind: fc.constant("take" as const),
			gpu: fc.record({
				count: fc.integer({ min: 1, max: 3 }),
				memoryBytes: fc.integer({ min: 0, max: 4 }).map((size) => size * GiB),
				model: fc.constantFrom("", "a100"),
			}),
		}),
		fc.record({ kind: fc.constant("give" as const), which: fc.nat() }),
	),
	{ maxLength: 30 },
);

const nodeWith = (gpus: Gpu[], usable: Usable) => {
	const node = newNode();
	const capacity = resources({ count: gpus.length, memoryBytes: 0, model: "" });
	const advert = { agentId: "box" as AgentId, labels: {}, capacity, fingerprint: { gpus } } as unknown as Advert;
	adoptAdvert(node, advert);
	adoptUsable(node, usable);
	return node;
};

test("whatever comes and goes, both sides choose the same devices, and no device is given twice", () => {
	fc.assert(
		fc.property(devices, moves, ({ gpus, usable }, steps) => {
			const ledger = createLedger({ cpuMillis: 0, memoryBytes: 0, diskBytes: 0, named: {}, gpus });
			ledger.usable = usable;
			const node = nodeWith(gpus, usable);
			const living: { id: AttemptId; claim: Claim; gpu: GpuRequest; gpuIds: string[] }[] = [];
			for (const [at, step] of steps.entries()) {
				if (step.kind === "give") {
					const [gone] = living.splice(step.which % Math.max(1, living.length), 1);
					if (!gone) continue;
					release(ledger, gone.id);
					releaseClaim(node, gone.claim);
					continue;
				}
				const id = `attempt-${at}` as AttemptId;
				const mine = reserve(ledger, id, resources(step.gpu));
				const theirs = chooseDevices(node.devices, step.gpu);
				expect("gpuIds" in mine ? mine.gpuIds : null).toEqual(theirs?.map((device) => device.id) ?? null);
				if (!("gpuIds" in mine)) continue;
				living.push({ id, gpuIds: mine.gpuIds, gpu: step.gpu, claim: claimOn(node, resources(step.gpu)) });
			}
			for (const { id, memoryBytes, fault, parent } of gpus) {
				const holders = living.filter(({ gpuIds }) => gpuIds.includes(id));
				const left = usable.devices.find((device) => device.id === id);
				const shares = holders.reduce((sum, { gpu }) => sum + gpu.memoryBytes, 0);
				if (fault) expect(holders).toEqual([]);
				if (holders.some(({ gpu }) => gpu.memoryBytes === 0)) {
					expect(holders).toHaveLength(1);
					expect(left?.reason ?? "").toBe("");
				} else expect(shares).toBeLessThanOrEqual(left?.memoryBytes ?? memoryBytes);
				if (parent) expect(holders.every(({ gpu }) => gpu.count === 1)).toBe(true);
			}
		}),
	);
});
