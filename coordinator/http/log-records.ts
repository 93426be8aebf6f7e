/** Log frames to the API's records: text is cut between characters, whatever the frames' borders. */

import { isUtf8 } from "node:buffer";
import type { LogRecord } from "#shared/api.ts";
import type { LogFrame } from "../logs/frame.ts";

export interface RecordMaker {
	take(frame: LogFrame): LogRecord[];
	/** What waits for the rest of its character. */
	flush(): LogRecord[];
}

interface Held {
	bytes: Buffer;
	offset: number;
	atMs: number;
}

type TextStream = LogRecord["stream"];

export interface LogOrigin {
	step: string;
	number: number;
	/** null of a step on one agent. */
	rank: number | null;
}

export const createRecordMaker = ({ step, number, rank }: LogOrigin): RecordMaker => {
	const held = new Map<TextStream, Held>();

	const record = (stream: TextStream, { bytes, offset, atMs }: Held, droppedBytes = 0): LogRecord => ({
		step,
		attempt: number,
		...(rank === null ? {} : { rank }),
		stream,
		atMs,
		offset,
		text: bytes.toString("utf8"),
		...(isUtf8(bytes) ? {} : { base64: bytes.toString("base64") }),
		...(droppedBytes > 0 ? { droppedBytes } : {}),
	});

	const release = (stream: TextStream): LogRecord[] => {
		const rest = held.get(stream);
		held.delete(stream);
		return rest ? [record(stream, rest)] : [];
	};

	return {
		take: ({ stream, offset, data, atMs, droppedBytes, end }) => {
			if (stream === "metrics") return [];
			// Beyond a hole no character goes on.
			const records = droppedBytes > 0 ? release(stream) : [];
			const before = held.get(stream);
			held.delete(stream);
			const bytes = before ? Buffer.concat([before.bytes, data]) : data;
			const start = before?.offset ?? offset;
			const whole = end ? bytes.length : bytes.length - incompleteTail(bytes);
			if (whole > 0 || droppedBytes > 0) {
				records.push(record(stream, { bytes: bytes.subarray(0, whole), offset: start, atMs }, droppedBytes));
			}
			if (whole < bytes.length) {
				// Copied: the frame's bytes are part of a large block.
				held.set(stream, { bytes: Buffer.from(bytes.subarray(whole)), offset: start + whole, atMs });
			}
			return records;
		},
		flush: () => [...held.keys()].flatMap(release),
	};
};

/** Bytes at the end that may be the start of a longer character: 0 to 3. */
const incompleteTail = (bytes: Buffer): number => {
	for (let back = 1; back <= Math.min(3, bytes.length); back++) {
		const byte = bytes[bytes.length - back] ?? 0;
		const isContinuation = (byte & 0xc0) === 0x80;
		if (!isContinuation) return characterLength(byte) > back ? back : 0;
	}
	return 0;
};

const characterLength = (lead: number): number => {
	if (lead >= 0xf0) return 4;
	if (lead >= 0xe0) return 3;
	return lead >= 0xc0 ? 2 : 1;
};
