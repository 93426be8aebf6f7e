/** Keeps a log that is sent twice from being shown twice, by the offsets of its records. */

import type { LogRecord } from "#shared/api.ts";

export const recordBytes = (record: LogRecord): Buffer =>
	record.base64 === undefined ? Buffer.from(record.text, "utf8") : Buffer.from(record.base64, "base64");

/** Cutting may fall inside a character: then the text is inexact and base64 says what the bytes are. */
const tail = (record: LogRecord, bytes: Buffer): LogRecord => {
	const text = bytes.toString("utf8");
	const { base64: _, droppedBytes: __, ...rest } = record;
	const exact = Buffer.from(text, "utf8").equals(bytes);
	return {
		...rest,
		offset: record.offset + recordBytes(record).length - bytes.length,
		text,
		...(exact ? {} : { base64: bytes.toString("base64") }),
	};
};

/** Returns what of a record has not passed before, or null. */
export const unseenPart = (): ((record: LogRecord) => LogRecord | null) => {
	const ends = new Map<string, number>();
	return (record) => {
		const key = `${record.step} ${record.attempt} ${record.rank ?? ""} ${record.stream}`;
		const seen = ends.get(key) ?? 0;
		const bytes = recordBytes(record);
		const end = record.offset + bytes.length;
		if (end <= seen) return null;
		ends.set(key, end);
		return record.offset >= seen ? record : tail(record, bytes.subarray(seen - record.offset));
	};
};
