/**
 * Durations, sizes, CPU and GPU as people write them. Each `parse…` gives null for what it can't read, each
 * `format…` writes what its `parse…` reads back.
 */

import type { GpuRequest } from "../domain.ts";

const durations: readonly (readonly [string, number])[] = [
	["d", 86_400_000],
	["h", 3_600_000],
	["m", 60_000],
	["s", 1_000],
	["ms", 1],
];
const durationUnits = new Map(durations);
const MAX_DURATION_MS = 365 * 86_400_000;

/** Milliseconds: "30m", "2h", "10s", "500ms", "7d", "1h30m", "0". */
export const parseDuration = (text: string): number | null => {
	if (text === "0") return 0;
	if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text)) return null;
	let total = 0;
	for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
		total += Number(count) * (durationUnits.get(unit ?? "") ?? 0);
	}
	return total <= MAX_DURATION_MS ? Math.round(total) : null;
};

export const formatDuration = (milliseconds: number): string => {
	let rest = milliseconds;
	let text = "";
	for (const [unit, size] of durations) {
		const count = Math.floor(rest / size);
		if (count > 0) text += `${count}${unit}`;
		rest -= count * size;
	}
	return text || "0s";
};

/** Largest first. */
const sizes: readonly (readonly [string, number])[] = [
	["Pi", 1024 ** 5],
	["PB", 1000 ** 5],
	["Ti", 1024 ** 4],
	["TB", 1000 ** 4],
	["Gi", 1024 ** 3],
	["GB", 1000 ** 3],
	["Mi", 1024 ** 2],
	["MB", 1000 ** 2],
	["Ki", 1024],
	["KB", 1000],
	["B", 1],
];
const sizeUnits = new Map(sizes);

/** Bytes: "512Mi", "1Gi", "1GB", "1.5GiB", "0". A bare number is refused: its unit would be a guess. */
export const parseBytes = (text: string): number | null => {
	if (text === "0") return 0;
	const [, count, prefix = "", binary] = /^(\d+(?:\.\d+)?)(?:B|([kKMGTP])(i?)B?)$/.exec(text) ?? [];
	if (count === undefined) return null;
	const unit = prefix === "" ? "B" : `${prefix.toUpperCase()}${binary ? "i" : "B"}`;
	const bytes = Math.round(Number(count) * (sizeUnits.get(unit) ?? Number.NaN));
	return Number.isSafeInteger(bytes) ? bytes : null;
};

const isShort = (count: number): boolean => count >= 1 && count < 10_000 && Number.isInteger(count * 10);

/** Exact for sizes as people choose them; a measured one, which no short text could hold, keeps two decimals. */
export const formatBytes = (bytes: number): string => {
	if (bytes === 0) return "0";
	const exact = sizes.find(([, size]) => isShort(bytes / size));
	if (exact) return `${bytes / exact[1]}${exact[0]}`;
	const [unit, size] = sizes.find(([unit, size]) => unit.endsWith("i") && bytes >= size) ?? ["B", 1];
	return `${Number((bytes / size).toFixed(2))}${unit}`;
};

const MAX_CPU_MILLIS = 1_000_000_000;

/** Thousandths of a core: "1", "0.5", "500m". */
export const parseCpu = (text: string): number | null => {
	const [, count, milli] = /^(\d+(?:\.\d+)?|\.\d+)(m?)$/.exec(text) ?? [];
	if (count === undefined) return null;
	const exact = Number(count) * (milli ? 1 : 1000);
	const millis = Math.round(exact);
	// Less than a thousandth is no claim anyone meant to make.
	return (millis === 0 && exact > 0) || millis > MAX_CPU_MILLIS ? null : millis;
};

/** Cores. */
export const formatCpu = (millis: number): string => String(millis / 1000);

export const MAX_GPUS = 64;
const GPU_MODEL = /^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,62}$/;

/** A model's name that reads as a size would be taken for one. */
export const isGpuModel = (text: string): boolean => GPU_MODEL.test(text) && parseBytes(text) === null;

/** `model:memory:count` with any part left out, in that order: "2", "A100", "A100:40GB:2", "10Gi:1", "4090:1". */
export const parseGpu = (text: string): GpuRequest | null => {
	const parts = text.split(":");
	const request: GpuRequest = { count: 1, memoryBytes: 0, model: "" };
	const first = parts[0] ?? "";
	if ((parts.length > 1 || !/^\d+$/.test(first)) && isGpuModel(first)) {
		request.model = first;
		parts.shift();
	}
	const memory = parts[0] === undefined || parts[0] === "0" ? null : parseBytes(parts[0]);
	if (memory !== null) {
		request.memoryBytes = memory;
		parts.shift();
	}
	const count = parts.shift();
	if (count !== undefined) request.count = /^\d{1,9}$/.test(count) ? Number(count) : Number.NaN;
	return parts.length === 0 && request.count >= 1 && request.count <= MAX_GPUS ? request : null;
};

export const formatGpu = ({ count, memoryBytes, model }: GpuRequest): string =>
	[model, memoryBytes === 0 ? "" : formatBytes(memoryBytes), String(count)].filter((part) => part !== "").join(":");
