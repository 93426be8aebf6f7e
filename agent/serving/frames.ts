/**
 * Messages between the agent and a model's process, over a stream socket: two 32-bit lengths, a JSON header, then
 * the tensors' bytes, each begun at a multiple of 8 so that either side reads them in place.
 */

import type { Duplex } from "node:stream";

export interface Frame {
	header: Record<string, unknown>;
	/** In the order of the header's mention, at the offsets that `layOut` gives. */
	body: Uint8Array;
}

const PREFIX = 8;
const ALIGNMENT = 8;
const MAX_HEADER_BYTES = 1024 ** 2;
const MAX_BODY_BYTES = 2 ** 31;

const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

const padding = new Uint8Array(ALIGNMENT);

export const writeFrame = (stream: Duplex, header: object, tensors: Uint8Array[] = []): void => {
	const json = Buffer.from(JSON.stringify(header));
	const bodyLength = tensors.reduce((sum, bytes) => sum + padded(bytes.length), 0);
	const head = Buffer.allocUnsafe(PREFIX + json.length);
	head.writeUInt32LE(json.length, 0);
	head.writeUInt32LE(bodyLength, 4);
	json.copy(head, PREFIX);
	stream.cork();
	stream.write(head);
	for (const bytes of tensors) {
		if (bytes.length > 0) stream.write(bytes);
		const rest = padded(bytes.length) - bytes.length;
		if (rest > 0) stream.write(padding.subarray(0, rest));
	}
	stream.uncork();
};

/** Cuts a frame's body into tensors of these lengths. Throws where the body has another length than they add up to. */
export const layOut = (body: Uint8Array, lengths: number[]): Uint8Array[] => {
	let at = 0;
	const parts = lengths.map((length) => {
		const part = body.subarray(at, at + length);
		at += padded(length);
		return part;
	});
	if (at !== body.length) throw new Error(`a frame's body has ${body.length} bytes where its header says ${at}`);
	return parts;
};

/** Feed it what arrives; it calls `onFrame` for each whole frame. Throws at bytes that can't be one. */
export const frameReader = (onFrame: (frame: Frame) => void): ((chunk: Buffer) => void) => {
	const prefix = Buffer.alloc(PREFIX);
	let part: Uint8Array = prefix;
	let filled = 0;
	let header: Buffer | null = null;
	let bodyLength = 0;

	const next = (buffer: Uint8Array): void => {
		part = buffer;
		filled = 0;
	};
	const finishPart = (): void => {
		if (part === prefix) {
			const headerLength = prefix.readUInt32LE(0);
			bodyLength = prefix.readUInt32LE(4);
			if (headerLength === 0 || headerLength > MAX_HEADER_BYTES || bodyLength > MAX_BODY_BYTES) {
				throw new Error(`a frame of ${headerLength} + ${bodyLength} bytes`);
			}
			header = Buffer.allocUnsafe(headerLength);
			next(header);
		} else if (part === header) {
			// Its own memory, so that it starts aligned and lives no longer than its tensors.
			next(new Uint8Array(bodyLength));
		} else {
			const frame = { header: JSON.parse((header as Buffer).toString("utf8")), body: part };
			header = null;
			next(prefix);
			onFrame(frame);
		}
	};
	return (chunk) => {
		let at = 0;
		while (at < chunk.length) {
			const taken = Math.min(part.length - filled, chunk.length - at);
			part.set(chunk.subarray(at, at + taken), filled);
			filled += taken;
			at += taken;
			while (filled === part.length) finishPart();
		}
	};
};
