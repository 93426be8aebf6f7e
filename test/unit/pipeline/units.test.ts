import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
	formatBytes,
	formatCpu,
	formatDuration,
	formatGpu,
	isGpuModel,
	MAX_GPUS,
	parseBytes,
	parseCpu,
	parseDuration,
	parseGpu,
} from "#shared/pipeline/units.ts";

test.each([
	["500ms", 500],
	["10s", 10_000],
	["30m", 1_800_000],
	["2h", 7_200_000],
	["7d", 604_800_000],
	["1h30m", 5_400_000],
	["1.5s", 1_500],
	["0", 0],
	["10", null],
	["", null],
	["-1s", null],
	["1 h", null],
	["1w", null],
	["366d", null],
	["1e3s", null],
])("duration %j is %j", (text, expected) => expect(parseDuration(text)).toBe(expected));

test.each([
	["512Mi", 512 * 1024 ** 2],
	["1Gi", 1024 ** 3],
	["1GiB", 1024 ** 3],
	["1GB", 1e9],
	["1G", 1e9],
	["1.5Gi", 1.5 * 1024 ** 3],
	["10k", 10_000],
	["7B", 7],
	["0", 0],
	["512", null],
	["512m", null],
	["-1Gi", null],
	["9000000Pi", null],
	["Gi", null],
])("size %j is %j", (text, expected) => expect(parseBytes(text)).toBe(expected));

test.each([
	["1", 1000],
	["0.5", 500],
	[".5", 500],
	["500m", 500],
	["0", 0],
	["0.0001", null],
	["lots", null],
	["-1", null],
	["9999999999", null],
])("cpu %j is %j", (text, expected) => expect(parseCpu(text)).toBe(expected));

test.each([
	["1", { count: 1, memoryBytes: 0, model: "" }],
	["A100", { count: 1, memoryBytes: 0, model: "A100" }],
	["A100:2", { count: 2, memoryBytes: 0, model: "A100" }],
	["A100:40GB", { count: 1, memoryBytes: 40e9, model: "A100" }],
	["A100:40GB:2", { count: 2, memoryBytes: 40e9, model: "A100" }],
	["10Gi", { count: 1, memoryBytes: 10 * 1024 ** 3, model: "" }],
	["10Gi:2", { count: 2, memoryBytes: 10 * 1024 ** 3, model: "" }],
	["4090:1", { count: 1, memoryBytes: 0, model: "4090" }],
	["RTX 4090:24GB:1", { count: 1, memoryBytes: 24e9, model: "RTX 4090" }],
	["4090", null],
	["0", null],
	["A100:40GB:2:1", null],
	["A100:0:1", null],
	["A100::2", null],
	["", null],
])("gpu %j is %j", (text, expected) => expect(parseGpu(text)).toEqual(expected));

describe("what is formatted reads back", () => {
	it("durations", () => {
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 365 * 86_400_000 }), (ms) => {
				expect(parseDuration(formatDuration(ms))).toBe(ms);
			}),
		);
	});

	const unit = fc.constantFrom(1, 1000, 1024, 1e6, 1024 ** 2, 1e9, 1024 ** 3, 1e12, 1024 ** 4);
	const chosen = fc.tuple(fc.integer({ min: 0, max: 8000 }), unit).map(([count, size]) => count * size);

	it("sizes as people choose them, exactly", () => {
		fc.assert(fc.property(chosen, (bytes) => void expect(parseBytes(formatBytes(bytes))).toBe(bytes)));
	});

	it("measured sizes, within half a hundredth of the unit", () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (bytes) => {
				const read = parseBytes(formatBytes(bytes)) ?? Number.NaN;
				expect(Math.abs(read - bytes) / bytes).toBeLessThan(0.006);
			}),
		);
	});

	it("cpu", () => {
		fc.assert(fc.property(fc.nat(1_000_000), (millis) => void expect(parseCpu(formatCpu(millis))).toBe(millis)));
	});

	it("gpu requests", () => {
		const model = fc.oneof(
			fc.constant(""),
			fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,20}$/).filter(isGpuModel),
		);
		const request = fc.record({ count: fc.integer({ min: 1, max: MAX_GPUS }), memoryBytes: chosen, model });
		fc.assert(fc.property(request, (gpu) => void expect(parseGpu(formatGpu(gpu))).toEqual(gpu)));
	});
});
