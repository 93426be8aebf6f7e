/** The last value of each metric that a step appended to $RUNMESH_METRICS as JSON lines. Lines that are none are passed over. */

import { open } from "node:fs/promises";
import type { Metric } from "#shared/domain.ts";
import { METRIC_LINE_BYTES, parseMetricLine } from "#shared/metrics.ts";
import { READ_AT_ONCE } from "../../system/plain-file.ts";

/** What comes after is not read. */
const FILE_LIMIT = 64 * 1024 ** 2;
/** The first so many names: they travel in the report and stay in the journal. */
const NAMES_LIMIT = 200;

export const readMetrics = async (path: string): Promise<Metric[]> => {
	const last = new Map<string, Metric>();
	for await (const line of linesOf(path)) {
		const metric = parseMetricLine(line);
		if (metric && (last.has(metric.name) || last.size < NAMES_LIMIT)) last.set(metric.name, metric);
	}
	return [...last.values()];
};

/** Never holds more than a chunk and a line; a longer line comes out cut, still too long to be one. */
async function* linesOf(path: string): AsyncGenerator<string> {
	let rest = "";
	try {
		const file = await open(path, READ_AT_ONCE);
		// Closed with the stream.
		for await (const chunk of file.createReadStream({ encoding: "utf8", end: FILE_LIMIT - 1 })) {
			const lines = `${rest}${chunk}`.split("\n");
			rest = (lines.pop() ?? "").slice(0, METRIC_LINE_BYTES + 1);
			yield* lines;
		}
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
	}
	yield rest;
}
