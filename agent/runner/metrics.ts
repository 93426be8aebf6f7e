/** The last value of each metric that a step appended to $RUNMESH_METRICS as JSON lines. Lines that are none are passed over. */

import { createReadStream } from "node:fs";
import type { Metric } from "#shared/domain.ts";

/** What comes after is not read. */
const FILE_LIMIT = 64 * 1024 ** 2;
const NAMES_LIMIT = 1_000;
const NAME_LENGTH = 200;
const LINE_LENGTH = 4_096;

export const readMetrics = async (path: string): Promise<Metric[]> => {
	const last = new Map<string, Metric>();
	for await (const line of linesOf(path)) {
		const metric = parseMetric(line);
		if (metric && (last.has(metric.name) || last.size < NAMES_LIMIT)) last.set(metric.name, metric);
	}
	return [...last.values()];
};

/** Never holds more than a chunk and a line; a longer line comes out cut and is no JSON then. */
async function* linesOf(path: string): AsyncGenerator<string> {
	let rest = "";
	try {
		for await (const chunk of createReadStream(path, { encoding: "utf8", end: FILE_LIMIT - 1 })) {
			const lines = `${rest}${chunk}`.split("\n");
			rest = (lines.pop() ?? "").slice(0, LINE_LENGTH);
			yield* lines;
		}
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
	}
	yield rest;
}

const parseMetric = (line: string): Metric | null => {
	if (line === "" || line.length > LINE_LENGTH) return null;
	let parsed: unknown;
	try {
		parsed = JSON.parse(line);
	} catch {
		return null;
	}
	if (typeof parsed !== "object" || parsed === null) return null;
	const { name, value, step = 0 } = parsed as { name?: unknown; value?: unknown; step?: unknown };
	if (typeof name !== "string" || name === "" || name.length > NAME_LENGTH) return null;
	if (typeof value !== "number" || !Number.isFinite(value)) return null;
	return { name, value, step: Number.isSafeInteger(step) ? (step as number) : 0 };
};
