/** Puts whole lines together from log records, whose cuts fall anywhere, one line at a time for each stream. */

import type { LogRecord } from "#shared/api.ts";
import { formatBytes } from "../output/format.ts";
import { recordBytes } from "./unseen.ts";

export interface LogLine {
	step: string;
	/** The step; of one on several agents with the rank: "train[1]". */
	label: string;
	attempt: number;
	stream: LogRecord["stream"];
	/** Of the record that ended it. */
	atMs: number;
	/** Without its end; of a progress bar's overwritten line only what was last. */
	text: string;
}

const NEWLINE = 0x0a;
const MAX_LINE_BYTES = 64 * 1024;

const lastDrawn = (bytes: Buffer): string => {
	const text = bytes.toString("utf8").replace(/\r+$/, "");
	return text.slice(text.lastIndexOf("\r") + 1);
};

export interface LineAssembler {
	push(record: LogRecord): LogLine[];
	/** What is left without an end. */
	flush(): LogLine[];
}

export const createLineAssembler = (): LineAssembler => {
	/** Only of streams that are in the middle of a line. */
	const open = new Map<string, { bytes: Buffer; line: Omit<LogLine, "text"> }>();
	return {
		push: (record) => {
			const { step, attempt, rank, stream, atMs } = record;
			const label = rank === undefined ? step : `${step}[${rank}]`;
			const key = `${label} ${attempt} ${stream}`;
			const line = { step, label, attempt, stream, atMs };
			const lines: LogLine[] = [];
			const emit = (bytes: Buffer): void => {
				lines.push({ ...line, text: lastDrawn(bytes) });
			};
			let held = open.get(key)?.bytes;
			if (record.droppedBytes) {
				if (held) emit(held);
				held = undefined;
				lines.push({ ...line, text: `[${formatBytes(record.droppedBytes)} of output dropped here]` });
			}
			let rest = held ? Buffer.concat([held, recordBytes(record)]) : recordBytes(record);
			for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
				emit(rest.subarray(0, end));
				rest = rest.subarray(end + 1);
			}
			for (; rest.length > MAX_LINE_BYTES; rest = rest.subarray(MAX_LINE_BYTES)) {
				emit(rest.subarray(0, MAX_LINE_BYTES));
			}
			if (rest.length > 0) open.set(key, { bytes: rest, line });
			else open.delete(key);
			return lines;
		},
		flush: () => {
			const lines = [...open.values()].map(({ bytes, line }) => ({ ...line, text: lastDrawn(bytes) }));
			open.clear();
			return lines;
		},
	};
};
