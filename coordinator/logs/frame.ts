/**
 * One chunk of output as it lies in an attempt's log file:
 * length u32 · crc32 u32 · stream u8 · end u8 · offset f64 · atMs f64 · droppedBytes f64 · data.
 * The checksum covers everything after itself; length counts the data alone.
 */

import { crc32 } from "node:zlib";

export const logStreams = ["stdout", "stderr", "metrics"] as const;
export type LogStreamName = (typeof logStreams)[number];

export interface LogFrame {
	stream: LogStreamName;
	/** Of the first byte, in the stream as the step wrote it. */
	offset: number;
	data: Buffer;
	atMs: number;
	/** Bytes lost to the log limit just before this frame. */
	droppedBytes: number;
	/** Nothing more comes on this stream. */
	end: boolean;
}

const HEADER_BYTES = 34;
export const MAX_DATA_BYTES = 1024 * 1024;
/** Enough to hold any one frame. */
export const BLOCK_BYTES: number = HEADER_BYTES + MAX_DATA_BYTES;

const CHECKED_FROM = 8;

export const encodeFrame = ({ stream, offset, data, atMs, droppedBytes, end }: LogFrame): Buffer => {
	const bytes = Buffer.allocUnsafe(HEADER_BYTES + data.length);
	bytes.writeUInt32LE(data.length, 0);
	bytes.writeUInt8(logStreams.indexOf(stream), 8);
	bytes.writeUInt8(end ? 1 : 0, 9);
	bytes.writeDoubleLE(offset, 10);
	bytes.writeDoubleLE(atMs, 18);
	bytes.writeDoubleLE(droppedBytes, 26);
	data.copy(bytes, HEADER_BYTES);
	bytes.writeUInt32LE(crc32(bytes.subarray(CHECKED_FROM)), 4);
	return bytes;
};

/** null when the bytes there are no whole, intact frame. The data is a view of `bytes`. */
const decodeFrame = (bytes: Buffer, at: number): LogFrame | null => {
	if (at + HEADER_BYTES > bytes.length) return null;
	const length = HEADER_BYTES + bytes.readUInt32LE(at);
	if (length > BLOCK_BYTES || at + length > bytes.length) return null;
	if (crc32(bytes.subarray(at + CHECKED_FROM, at + length)) !== bytes.readUInt32LE(at + 4)) return null;
	const stream = logStreams[bytes.readUInt8(at + 8)];
	if (!stream) return null;
	return {
		stream,
		end: bytes.readUInt8(at + 9) === 1,
		offset: bytes.readDoubleLE(at + 10),
		atMs: bytes.readDoubleLE(at + 18),
		droppedBytes: bytes.readDoubleLE(at + 26),
		data: bytes.subarray(at + HEADER_BYTES, at + length),
	};
};

/** The intact frames at the start of `bytes`, each with where it ends. */
export function* decodeFrames(bytes: Buffer): Generator<{ frame: LogFrame; end: number }> {
	for (let at = 0; ; ) {
		const frame = decodeFrame(bytes, at);
		if (!frame) return;
		at += HEADER_BYTES + frame.data.length;
		yield { frame, end: at };
	}
}
