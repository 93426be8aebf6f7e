/** One record of the journal's tail on disk: its length, its CRC, its body. What is torn or zero is no record. */

import { crc32 } from "node:zlib";

/** One message of the journal, as it was sent. */
export interface TailRecord {
	sequence: number;
	epoch: number;
	/** By wall clock. */
	atMs: number;
	batchId: string;
	data: Uint8Array;
}

export type TailEntry =
	| { kind: "segment"; schemaVersion: number; stream: string }
	| { kind: "message"; acknowledged: number; message: TailRecord }
	/** JetStream has confirmed the messages up to here: somebody may have been told of them. */
	| { kind: "acknowledged"; acknowledged: number }
	/** What stands before this and behind `last` is no part of the journal. */
	| { kind: "cut"; acknowledged: number; last: number };

const FRAME_BYTES = 8;
const kinds = ["segment", "message", "acknowledged", "cut"] as const;

export const encodeEntry = (entry: TailEntry): Buffer => {
	const head = Buffer.from(JSON.stringify(headOf(entry)));
	const data = entry.kind === "message" ? entry.message.data : new Uint8Array();
	const record = Buffer.alloc(FRAME_BYTES + 3 + head.length + data.length);
	record.writeUInt8(kinds.indexOf(entry.kind) + 1, FRAME_BYTES);
	record.writeUInt16BE(head.length, FRAME_BYTES + 1);
	record.set(head, FRAME_BYTES + 3);
	record.set(data, FRAME_BYTES + 3 + head.length);
	record.writeUInt32BE(record.length - FRAME_BYTES, 0);
	record.writeUInt32BE(crc32(record.subarray(FRAME_BYTES)), 4);
	return record;
};

const headOf = (entry: TailEntry): object => {
	if (entry.kind !== "message") return entry;
	const { data: _, ...message } = entry.message;
	return { acknowledged: entry.acknowledged, ...message };
};

/** Every whole record from the start on; ends before the first that is not. */
export function* decodeEntries(bytes: Buffer): Generator<TailEntry> {
	for (let at = 0; at + FRAME_BYTES < bytes.length; ) {
		const length = bytes.readUInt32BE(at);
		const body = bytes.subarray(at + FRAME_BYTES, at + FRAME_BYTES + length);
		if (length < 3 || body.length < length || crc32(body) !== bytes.readUInt32BE(at + 4)) return;
		yield decodeBody(body);
		at += FRAME_BYTES + length;
	}
}

const decodeBody = (body: Buffer): TailEntry => {
	const dataAt = 3 + body.readUInt16BE(1);
	const head = JSON.parse(body.toString("utf8", 3, dataAt));
	if (kinds[body.readUInt8(0) - 1] !== "message") return head as TailEntry;
	const { acknowledged, ...message } = head;
	return { kind: "message", acknowledged, message: { ...message, data: body.subarray(dataAt) } };
};
