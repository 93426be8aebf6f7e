/**
 * AMD's GPUs, as rocm-smi tells them, or amd-smi where that is all there is. The names of its fields have changed case
 * over the years.
 */

import type { Gpu } from "#shared/domain.ts";
import type { FoundGpus } from "./gpu-nvidia.ts";
import { askTool } from "./tool.ts";

const TIMEOUT_MS = 10_000;

export const probeAmdGpus = async (): Promise<FoundGpus> => {
	const table = ["--showproductname", "--showuniqueid", "--showmeminfo", "vram", "--showdriverversion", "--json"];
	const rocm = await askTool("rocm-smi", table, TIMEOUT_MS);
	if (rocm !== null) return parseRocmSmi(rocm);
	const amd = await askTool("amd-smi", ["static", "--json"], TIMEOUT_MS);
	return amd === null ? { gpus: [], problem: "" } : parseAmdSmi(amd);
};

interface AmdDevice {
	index: number;
	/** Hexadecimal, as ROCm's runtime names it; "" where it has none. */
	uniqueId: string;
	model: string;
	memoryBytes: number;
	driver: string;
	architecture: string;
	fault: string;
}

export const parseRocmSmi = (text: string): FoundGpus => {
	const { system, ...cards } = parseJson(text, "rocm-smi");
	const driver = textOf(fieldsOf(system), "driver version");
	const devices = Object.entries(cards).flatMap(([name, card]): AmdDevice[] => {
		const index = /^card(\d+)$/.exec(name)?.[1];
		if (index === undefined) return [];
		const fields = fieldsOf(card);
		const series = textOf(fields, "card series");
		return [
			{
				index: Number(index),
				uniqueId: hexadecimal(textOf(fields, "unique id")),
				// The series may be a mere number where the tool is older than the card.
				model: series === "" || series.startsWith("0x") ? `AMD ${textOf(fields, "card model") || "GPU"}` : series,
				memoryBytes: Number(textOf(fields, "vram total memory (b)")) || 0,
				driver,
				architecture: textOf(fields, "gfx version"),
				fault: "",
			},
		];
	});
	return toGpus(devices);
};

export const parseAmdSmi = (text: string): FoundGpus => {
	const said = parseJson(text, "amd-smi");
	// A list in older releases, within `gpu_data` in newer ones.
	const list = Array.isArray(said) ? said : said.gpu_data;
	const devices = (Array.isArray(list) ? list : []).map((one: unknown, at): AmdDevice => {
		const device = fieldsOf(one);
		const [asic, vram, ras] = [fieldsOf(device.asic), fieldsOf(device.vram), fieldsOf(device.ras)];
		const size = fieldsOf(vram.size ?? vram.vram_size);
		const driver = fieldsOf(device.driver);
		const exceeded = /^true$/i.test(textOf(ras, "bad_page_threshold_exceeded"));
		return {
			index: typeof device.gpu === "number" ? device.gpu : at,
			uniqueId: hexadecimal(textOf(asic, "asic_serial")),
			model: textOf(asic, "market_name") || "AMD GPU",
			memoryBytes: (Number(size.value) || 0) * (size.unit === "B" ? 1 : size.unit === "GB" ? 1024 ** 3 : 1024 ** 2),
			driver: textOf(driver, "version") || textOf(driver, "driver_version"),
			architecture: textOf(asic, "target_graphics_version"),
			fault: exceeded ? "its memory has failed: too many bad pages" : "",
		};
	});
	return toGpus(devices);
};

/** Partitions of one card share its id, and some cards have none: then their number names them. */
const toGpus = (devices: readonly AmdDevice[]): FoundGpus => {
	const sharing = (id: string): number => devices.filter(({ uniqueId }) => uniqueId === id).length;
	const gpus = devices.map(({ index, uniqueId, model, memoryBytes, driver, architecture, fault }): Gpu => {
		const id = uniqueId !== "" && sharing(uniqueId) === 1 ? `GPU-${uniqueId}` : `amd-${index}`;
		return { id, vendor: "AMD", model, memoryBytes, driver, index, computeCapability: architecture, parent: "", fault };
	});
	return { gpus, problem: "" };
};

type Fields = Record<string, unknown>;

/** Warnings may stand before it. */
const parseJson = (text: string, tool: string): Fields => {
	const start = text.search(/[[{]/);
	try {
		const said: unknown = JSON.parse(text.slice(Math.max(0, start)));
		if (typeof said === "object" && said !== null) return said as Fields;
	} catch {
		// As one that says something else.
	}
	throw new Error(`${tool} said no JSON: ${text.trim().split("\n")[0]?.slice(0, 200)}`);
};

const fieldsOf = (value: unknown): Fields =>
	typeof value === "object" && value !== null
		? Object.fromEntries(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field]))
		: {};

const textOf = (fields: Fields, name: string): string => {
	const value = fields[name];
	const text = typeof value === "string" || typeof value === "number" ? String(value).trim() : "";
	return text === "N/A" ? "" : text;
};

const hexadecimal = (text: string): string =>
	/^0x([0-9a-f]{1,16})$/i.exec(text)?.[1]?.toLowerCase().padStart(16, "0") ?? "";
