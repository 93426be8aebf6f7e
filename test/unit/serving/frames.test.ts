import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Frame, frameReader, layOut, writeFrame } from "#agent/serving/frames.ts";

const encode = (header: object, tensors: Uint8Array[]): Buffer => {
	const stream = new PassThrough();
	writeFrame(stream, header, tensors);
	return stream.read() as Buffer;
};

describe("frames", () => {
	it("come back whole however the bytes are cut", () => {
		const messages = fc.array(
			fc.record({ header: fc.record({ id: fc.nat() }), tensors: fc.array(fc.uint8Array({ maxLength: 40 })) }),
			{ maxLength: 4 },
		);
		fc.assert(
			fc.property(messages, fc.integer({ min: 1, max: 50 }), (sent, step) => {
				const bytes = Buffer.concat(sent.map(({ header, tensors }) => encode(header, tensors)));
				const frames: Frame[] = [];
				const read = frameReader((frame) => frames.push(frame));
				for (let at = 0; at < bytes.length; at += step) read(bytes.subarray(at, at + step));
				expect(frames.map(({ header }) => header)).toEqual(sent.map(({ header }) => header));
				for (const [index, { body }] of frames.entries()) {
					const tensors = sent[index]?.tensors ?? [];
					const parts = layOut(
						body,
						tensors.map(({ length }) => length),
					);
					expect(parts.map((part) => [...part])).toEqual(tensors.map((part) => [...part]));
					for (const part of parts) expect(part.byteOffset % 8).toBe(0);
				}
			}),
		);
	});

	it("are refused where they can't be frames", () => {
		const read = frameReader(() => {});
		expect(() => read(Buffer.alloc(8, 0xff))).toThrow("a frame of 4294967295 + 4294967295 bytes");
		expect(() => frameReader(() => {})(encode({ a: 1 }, []).fill(0x7b, 8))).toThrow();
		expect(() => layOut(new Uint8Array(16), [1])).toThrow("has 16 bytes where its header says 8");
	});
});
