import { appendFileSync, readFileSync, statSync, truncateSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type Chunk, ShippedStream } from "#agent/logs/shipped-stream.ts";
import { Spool } from "#agent/logs/spool.ts";
import { type LogStore, openLogStore } from "#coordinator/logs/store.ts";
import { noise, tempDir } from "#test/support/data-plane.ts";

/** What may happen between a stream and the coordinator's store, step by step. */
const event = fc.oneof(
	{ weight: 6, arbitrary: fc.constant("send" as const) },
	{ weight: 6, arbitrary: fc.constant("deliver" as const) },
	{ weight: 6, arbitrary: fc.constant("answer" as const) },
	{ weight: 3, arbitrary: fc.constant("write" as const) },
	{ weight: 1, arbitrary: fc.constantFrom("lose line", "restart store", "power cut", "restart agent") },
);

it("brings the stream over whole, whatever is lost on the way, restarted or torn off the disk", async () => {
	const dir = await tempDir();
	let run = 0;
	await fc.assert(
		fc.asyncProperty(fc.array(event, { maxLength: 120 }), async (events) => {
			const attemptId = `r${run++}.s.1`;
			await mkdir(join(dir, attemptId));
			const at = (name: string): string => join(dir, attemptId, name);
			const files = { stdout: at("stdout"), stderr: at("stderr"), metrics: at("metrics") };
			const logPath = join(dir, "logs", attemptId.split(".")[0] as string, `${attemptId}.log`);
			let logs: LogStore = openLogStore(join(dir, "logs"));
			let spool = new Spool(files, 64 * 1024 * 1024);
			let stream = new ShippedStream(attemptId, "stdout", spool);
			/** On the line: chunks one way, answers the other. */
			let chunks: Chunk[] = [];
			let answers: number[] = [];
			let written = 0;
			const loseLine = (): void => {
				chunks = [];
				answers = [];
				stream.lost();
			};
			const restartStore = (): void => {
				logs.close();
				logs = openLogStore(join(dir, "logs"));
				loseLine();
			};
			const deliver = (): void => {
				const chunk = chunks.shift();
				if (!chunk) return;
				const droppedBytes = Number(chunk.droppedBytes ?? 0);
				const { offset, data, end } = chunk;
				answers.push(logs.append({ attemptId, stream: "stdout", offset, data, end, droppedBytes, atMs: 0 }));
			};
			const answer = (): void => {
				const next = answers.shift();
				if (next !== undefined) stream.answered(next);
			};
			const send = async (): Promise<void> => {
				const chunk = await stream.nextChunk();
				if (!chunk || !stream.isNext(chunk)) return;
				stream.sent(chunk);
				chunks.push(chunk);
			};
			for (const what of events) {
				if (what === "send") await send();
				else if (what === "deliver") deliver();
				else if (what === "answer") answer();
				else if (what === "write") {
					appendFileSync(files.stdout, noise(50_000, written++));
					spool.scan(() => 0);
				} else if (what === "lose line") loseLine();
				else if (what === "restart store") restartStore();
				else if (what === "power cut") {
					logs.close();
					const size = statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
					if (size > 0) truncateSync(logPath, Math.floor(size * 0.7));
					restartStore();
				} else {
					spool = new Spool(files, 64 * 1024 * 1024);
					spool.scan(() => 0);
					stream = new ShippedStream(attemptId, "stdout", spool);
					loseLine();
				}
			}
			stream.complete();
			for (let turn = 0; !stream.shipped; turn++) {
				expect(turn).toBeLessThan(1000);
				await send();
				deliver();
				answer();
			}
			const parts: Buffer[] = [];
			for await (const frame of logs.read(attemptId)) parts.push(frame.data);
			logs.close();
			const expected = written > 0 ? readFileSync(files.stdout) : Buffer.alloc(0);
			expect(Buffer.concat(parts).equals(expected)).toBe(true);
		}),
		{ numRuns: 100 },
	);
});
