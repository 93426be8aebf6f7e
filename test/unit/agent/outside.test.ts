/** What others use of a machine: read, smoothed, told in steps, and what of the capacity it leaves. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseMeminfo, parseStat, readMachine } from "#agent/outside/machine.ts";
import { type Look, type Seen, takeLook } from "#agent/outside/others.ts";
import { ownUseMeter } from "#agent/outside/own-use.ts";
import { shrankMuch, usableOf, watchUsable } from "#agent/usable.ts";
import type { Usable } from "#shared/domain.ts";

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

describe("the system's own words", () => {
	test("the time that processors were busy, without waiting", () => {
		const stat = "cpu  1000 200 300 9000 50 10 40 500 70 0\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5\n";
		expect(parseStat(stat)).toEqual({ busyCpuSeconds: 15.5, cores: 2 });
		expect(() => parseStat("nothing")).toThrow("/proc/stat");
	});

	test("the memory that new programs could not have", () => {
		const meminfo = "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    6000000 kB\n";
		expect(parseMeminfo(meminfo)).toBe(10_000_000 * 1024);
		expect(() => parseMeminfo("MemTotal: 5 kB\n")).toThrow("MemAvailable");
	});

	test.runIf(process.platform === "linux")("this very machine", async () => {
		const { cores, memoryBytes, usedMemoryBytes, busyCpuSeconds } = await readMachine();
		expect(cores).toBeGreaterThan(0);
		expect(busyCpuSeconds).toBeGreaterThan(0);
		expect(usedMemoryBytes).toBeGreaterThan(0);
		expect(usedMemoryBytes).toBeLessThan(memoryBytes);
	});

	test.runIf(process.platform === "linux")("a process takes what it took, and no more than once", async () => {
		const meter = ownUseMeter(
			() => false,
			() => 0,
		);
		const first = await meter();
		expect(first.memoryBytes).toBeGreaterThan(10 * MiB);
		expect(first.cpuSeconds).toBe(0);
		const before = process.cpuUsage();
		while (process.cpuUsage(before).user < 200_000) Math.sqrt(Math.random());
		const { cpuSeconds } = await meter();
		expect(cpuSeconds).toBeGreaterThan(0.1);
		expect(cpuSeconds).toBeLessThan(10);
	});
});

const lookAt = (seconds: number, more: Partial<Look> = {}): Look => ({
	atMs: seconds * 1000,
	busyCpuSeconds: 0,
	cores: 8,
	usedMemoryBytes: 0,
	memoryBytes: 16 * GiB,
	ownCpuSeconds: 0,
	ownMemoryBytes: 0,
	...more,
});

describe("looks", () => {
	const busy = (cores: number, seconds: number, own = 0): Seen => {
		let seen = takeLook(null, lookAt(0));
		for (let at = 10; at <= seconds; at += 10) {
			seen = takeLook(seen, lookAt(at, { busyCpuSeconds: (cores + own) * at, ownCpuSeconds: own * 10 }));
		}
		return seen;
	};

	test("what is ours is not others'", () => {
		expect(busy(3, 60, 4).others.cpuMillis).toBe(3000);
		const own = takeLook(null, lookAt(0, { usedMemoryBytes: 10 * GiB, ownMemoryBytes: 9 * GiB }));
		expect(own.others.memoryBytes).toBe(GiB);
		// Shared memory may be counted as ours more than once.
		expect(takeLook(null, lookAt(0, { usedMemoryBytes: GiB, ownMemoryBytes: 2 * GiB })).others.memoryBytes).toBe(0);
	});

	test("a burst counts little, what lasts a minute counts", () => {
		const calm = busy(0, 120);
		const burst = takeLook(calm, lookAt(130, { busyCpuSeconds: 80 }));
		expect(burst.others.cpuMillis).toBeLessThan(1500);
		let lasting = burst;
		for (let at = 140; at <= 400; at += 10) lasting = takeLook(lasting, lookAt(at, { busyCpuSeconds: (at - 120) * 8 }));
		expect(lasting.others.cpuMillis).toBeGreaterThan(7500);
	});

	test("noise within a step changes nothing that is told", () => {
		const noise = fc.array(fc.integer({ min: -30, max: 30 }), { minLength: 1, maxLength: 30 });
		fc.assert(
			fc.property(noise, (steps) => {
				const at = (seconds: number, noise: number): Look =>
					lookAt(seconds, { usedMemoryBytes: 4 * GiB + noise * MiB });
				let seen = takeLook(null, at(0, 0));
				steps.forEach((noise, index) => {
					seen = takeLook(seen, at((index + 1) * 10, noise));
					expect(seen.others.memoryBytes).toBe(4 * GiB);
				});
			}),
		);
	});

	test("what is told is never off by more than a step", () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 0, max: 16 * 1024 }), { minLength: 1 }), (used) => {
				let seen: Seen | null = null;
				used.forEach((mebibytes, index) => {
					seen = takeLook(seen, lookAt(index * 10, { usedMemoryBytes: mebibytes * MiB }));
					expect(Math.abs(seen.others.memoryBytes - mebibytes * MiB)).toBeLessThanOrEqual(64 * MiB);
				});
			}),
		);
	});
});

const capacity = { cpuMillis: 4_000, memoryBytes: 12 * GiB, diskBytes: 100 * GiB, named: {}, gpus: [] };
const nothing = { others: null, diskBytes: null, devices: [] };

describe("what is left", () => {
	const others = (cpuMillis: number, memoryBytes: number) => ({
		...{ cpuMillis, memoryBytes, totalCpuMillis: 8_000, totalMemoryBytes: 16 * GiB },
	});

	test("nothing known leaves the capacity", () => {
		expect(usableOf(capacity, nothing)).toEqual({
			...{ cpuMillis: 4_000, memoryBytes: 12 * GiB, diskBytes: 100 * GiB, devices: [] },
		});
	});

	test("what the agent is not given anyway others may use", () => {
		expect(usableOf(capacity, { ...nothing, others: others(4_000, 4 * GiB) })).toMatchObject({
			...{ cpuMillis: 4_000, memoryBytes: 12 * GiB },
		});
		expect(usableOf(capacity, { ...nothing, others: others(5_500, 7 * GiB) })).toMatchObject({
			...{ cpuMillis: 2_500, memoryBytes: 9 * GiB },
		});
	});

	test("a core is always left, memory is not", () => {
		const full = { ...nothing, others: others(8_000, 16 * GiB) };
		expect(usableOf(capacity, full)).toMatchObject({ cpuMillis: 1_000, memoryBytes: 0 });
		expect(usableOf({ ...capacity, cpuMillis: 500 }, full)).toMatchObject({ cpuMillis: 500 });
	});

	test("a change is told once, as urgent when much is gone", () => {
		const told: [Usable, boolean][] = [];
		let bound = capacity;
		const watch = watchUsable(
			() => bound,
			(usable, isUrgent) => told.push([usable, isUrgent]),
		);
		watch.set({ others: others(0, 0) });
		expect(told).toEqual([]);
		watch.set({ others: others(0, 5 * GiB) });
		watch.set({ others: others(0, 5 * GiB) });
		watch.set({ others: others(0, 10 * GiB) });
		bound = { ...capacity, memoryBytes: GiB };
		watch.refresh();
		expect(told.map(([{ memoryBytes }, isUrgent]) => [memoryBytes / GiB, isUrgent])).toEqual([
			[11, false],
			[6, true],
			[1, true],
		]);
		expect(watch.current()).toBe(told.at(-1)?.[0]);
	});

	test("a device that is held is told at once, one that is free again is not", () => {
		const held = usableOf(capacity, { ...nothing, devices: [{ id: "g0", memoryBytes: GiB, reason: "pid 42" }] });
		expect(shrankMuch(usableOf(capacity, nothing), held)).toBe(true);
		expect(shrankMuch(held, held)).toBe(false);
		expect(shrankMuch(held, usableOf(capacity, nothing))).toBe(false);
	});
});
