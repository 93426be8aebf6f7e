/** JSON lines of $RUNMESH_METRICS to points, across chunk borders. Lines that are no point are skipped and counted. */

import type { Metric } from "#shared/domain.ts";
import { METRIC_LINE_BYTES, parseMetricLine } from "#shared/metrics.ts";

export interface MetricPoint extends Metric {
	atMs: number;
}

export interface ParsedMetrics {
	points: MetricPoint[];
	/** Lines skipped. */
	badLines: number;
}

const NEWLINE = 0x0a;

export class MetricParser {
	/** The start of a line whose end has not come. */
	#partial: Buffer = Buffer.alloc(0);
	/** Inside a line that is longer than allowed. */
	#skipping = false;

	/** `atMs` is when the chunk was read. */
	push(data: Buffer, atMs: number): ParsedMetrics {
		const parsed: ParsedMetrics = { points: [], badLines: 0 };
		let start = 0;
		for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, start)) {
			this.#line(data.subarray(start, end), atMs, parsed);
			start = end + 1;
		}
		this.#keep(data.subarray(start), parsed);
		return parsed;
	}

	/** The stream is over: its last line may lack a newline. */
	end(atMs: number): ParsedMetrics {
		const parsed: ParsedMetrics = { points: [], badLines: 0 };
		this.#line(Buffer.alloc(0), atMs, parsed);
		return parsed;
	}

	#line(tail: Buffer, atMs: number, parsed: ParsedMetrics): void {
		const skipped = this.#skipping || this.#partial.length + tail.length > METRIC_LINE_BYTES;
		const text = skipped ? "" : Buffer.concat([this.#partial, tail]).toString("utf8").trim();
		// A line found too long earlier has been counted.
		if (skipped && !this.#skipping) parsed.badLines++;
		this.#partial = Buffer.alloc(0);
		this.#skipping = false;
		if (text === "") return;
		const metric = parseMetricLine(text);
		if (metric) parsed.points.push({ ...metric, atMs });
		else parsed.badLines++;
	}

	#keep(rest: Buffer, parsed: ParsedMetrics): void {
		if (this.#skipping || rest.length === 0) return;
		if (this.#partial.length + rest.length > METRIC_LINE_BYTES) {
			this.#skipping = true;
			this.#partial = Buffer.alloc(0);
			parsed.badLines++;
		} else this.#partial = Buffer.concat([this.#partial, rest]);
	}
}
