/** The GPU ledger: whole devices and shares of one. */

import { expect, test } from "vitest";
import { createLedger, release, reserve } from "#agent/core/capacity.ts";
import type { GpuRequest, Resources } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import { gpuOf } from "#test/support/gpus.ts";

const GiB = 1024 ** 3;
const device = (id: string, model: string, memory: number) => gpuOf(id, memory * GiB, { model });
const ledger = () =>
	createLedger({
		cpuMillis: 8_000,
		memoryBytes: 64 * GiB,
		diskBytes: 64 * GiB,
		named: {},
		gpus: [device("a", "NVIDIA A100", 80), device("b", "NVIDIA A100", 80), device("t", "Tesla T4", 16)],
	});
const wanting = (gpu: Partial<GpuRequest>): Resources => ({
	...{ cpuMillis: 100, memoryBytes: GiB, diskBytes: 0, named: {} },
	gpu: { count: 1, memoryBytes: 0, model: "", ...gpu },
});
const id = (text: string) => text as AttemptId;

test("a whole device is one attempt's alone", () => {
	const held = ledger();
	expect(reserve(held, id("1"), wanting({ model: "a100", count: 2 }))).toEqual({ gpuIds: ["a", "b"] });
	expect(reserve(held, id("2"), wanting({ model: "A100", memoryBytes: GiB }))).toEqual({
		refused: "gpu: 1 × A100 with 1Gi free wanted, 0 of 2 free",
	});
	release(held, id("1"));
	expect(reserve(held, id("3"), wanting({ model: "A100" }))).toMatchObject({ gpuIds: [expect.any(String)] });
});

test("shares fill the fullest device that still fits, so that whole ones stay free", () => {
	const held = ledger();
	expect(reserve(held, id("1"), wanting({ memoryBytes: 10 * GiB }))).toEqual({ gpuIds: ["t"] });
	expect(reserve(held, id("2"), wanting({ memoryBytes: 10 * GiB }))).toEqual({ gpuIds: ["a"] });
	expect(reserve(held, id("3"), wanting({ memoryBytes: 60 * GiB }))).toEqual({ gpuIds: ["a"] });
	expect(reserve(held, id("4"), wanting({ memoryBytes: 11 * GiB }))).toEqual({ gpuIds: ["b"] });
	expect(reserve(held, id("5"), wanting({}))).toMatchObject({ refused: expect.stringContaining("whole") });
});

test("more devices than there are", () => {
	expect(reserve(ledger(), id("1"), wanting({ count: 2, model: "H100" }))).toEqual({
		refused: "gpu: 2 × H100 wanted, 0 here",
	});
});
