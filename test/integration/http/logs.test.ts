import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LogRecord } from "#shared/api.ts";
import { startTestApi, type TestApi } from "#test/support/http-api.ts";
import { createStory, pipelineOf, type Story, stepOf } from "#test/support/journal-story.ts";

const two = pipelineOf("two", [stepOf("a"), stepOf("b"), stepOf("idle", { action: { kind: "noop" } })]);

let api: TestApi;
let story: Story;
beforeEach(async () => {
	api = await startTestApi();
	story = createStory("r1", Date.now() - 60_000);
	api.commit(story.submitted(two));
});
afterEach(() => api.close());

const records = async (path: string): Promise<LogRecord[]> => {
	const text = await (await api.call(path)).text();
	return text
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as LogRecord);
};

async function* follow(path: string, signal?: AbortSignal): AsyncGenerator<LogRecord> {
	const response = await api.call(path, signal ? { signal } : {});
	expect(response.headers.get("content-type")).toMatch(/^application\/x-ndjson/);
	if (!response.body) throw new Error("no body");
	let text = "";
	for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
		text += chunk;
		for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
			const line = text.slice(0, end);
			text = text.slice(end + 1);
			if (line !== "") yield JSON.parse(line) as LogRecord;
		}
	}
}

const all = async (stream: AsyncIterable<LogRecord>): Promise<LogRecord[]> => {
	const taken: LogRecord[] = [];
	for await (const record of stream) taken.push(record);
	return taken;
};

const texts = (taken: LogRecord[]): string[] => taken.map(({ step, text }) => `${step} ${text}`);

describe("stored logs", () => {
	it("merges a run's attempts by time, without metrics", async () => {
		api.commit(
			story.leased("a"),
			story.leased("b"),
			story.ended("a", "failed"),
			story.retry("a", 0),
			story.leased("a", 2),
		);
		api.log("r1.a.1", "one\n", { atMs: 10 });
		api.log("r1.a.1", "four\n", { atMs: 40, stream: "stderr" });
		api.log("r1.a.1", '{"name":"loss"}\n', { atMs: 15, stream: "metrics" });
		api.log("r1.b.1", "two\n", { atMs: 20 });
		api.log("r1.b.1", "five\n", { atMs: 50 });
		api.log("r1.a.2", "three\n", { atMs: 30 });
		const path = "/runs/r1/steps/*/logs";
		expect(await records(path)).toEqual([
			{ step: "a", attempt: 1, stream: "stdout", atMs: 10, offset: 0, text: "one\n" },
			{ step: "b", attempt: 1, stream: "stdout", atMs: 20, offset: 0, text: "two\n" },
			{ step: "a", attempt: 2, stream: "stdout", atMs: 30, offset: 0, text: "three\n" },
			{ step: "a", attempt: 1, stream: "stderr", atMs: 40, offset: 0, text: "four\n" },
			{ step: "b", attempt: 1, stream: "stdout", atMs: 50, offset: 4, text: "five\n" },
		]);
		expect(texts(await records(`${path}?since=30`))).toEqual(["a three\n", "a four\n", "b five\n"]);
		expect(texts(await records(`${path}?attempt=2`))).toEqual(["a three\n"]);
		expect(texts(await records("/runs/r1/steps/b/logs"))).toEqual(["b two\n", "b five\n"]);
		expect(await records("/runs/r1/steps/idle/logs")).toEqual([]);
		expect((await api.call("/runs/r1/steps/none/logs")).status).toBe(404);
		expect((await api.call("/runs/r1/steps/a/logs?follow=perhaps")).status).toBe(400);
	});

	it("opens few of very many attempts at once", async () => {
		const many = pipelineOf("many", [stepOf("s", { matrix: { i: Array.from({ length: 300 }, (_, index) => index) } })]);
		const wide = createStory("r2");
		api.commit(wide.submitted(many));
		for (let index = 0; index < 300; index++) {
			api.commit(wide.leased(`s.${index}`));
			api.log(`r2.s.${index}.1`, `${index}\n`, { atMs: 1_000 + index });
		}
		let open = 0;
		let most = 0;
		const { read } = api.logs;
		api.logs.read = async function* (...args) {
			most = Math.max(most, ++open);
			yield* read.apply(api.logs, args);
			open--;
		};
		const found = await records("/runs/r2/steps/*/logs");
		expect(found.map(({ text }) => Number(text))).toEqual(Array.from({ length: 300 }, (_, index) => index));
		expect(most).toBeLessThanOrEqual(64);
	});

	it("cuts between characters, and gives exact bytes where text can't be", async () => {
		api.commit(story.leased("a"));
		const bytes = Buffer.from("grüße €uro 😀!\n");
		for (const [index, byte] of bytes.entries()) api.log("r1.a.1", Buffer.of(byte), { atMs: 10 + index });
		const plain = await records("/runs/r1/steps/a/logs");
		expect(plain.map(({ text }) => text).join("")).toBe(bytes.toString());
		expect(plain.every(({ base64, text }) => base64 === undefined && !text.includes("\ufffd"))).toBe(true);
		for (const { offset, text } of plain)
			expect(bytes.toString("utf8", offset, offset + Buffer.byteLength(text))).toBe(text);

		api.commit(story.leased("b"));
		const raw = Buffer.from([0x61, 0xff, 0xfe, 0x62, 0xe2, 0x82]);
		api.log("r1.b.1", raw, { atMs: 10 });
		api.log("r1.b.1", "c", { atMs: 20, droppedBytes: 7 });
		const exact = await records("/runs/r1/steps/b/logs");
		expect(exact).toEqual([
			{
				step: "b",
				attempt: 1,
				stream: "stdout",
				atMs: 10,
				offset: 0,
				text: "a\ufffd\ufffdb",
				base64: raw.toString("base64", 0, 4),
			},
			{
				step: "b",
				attempt: 1,
				stream: "stdout",
				atMs: 10,
				offset: 4,
				text: "\ufffd",
				base64: raw.toString("base64", 4),
			},
			{ step: "b", attempt: 1, stream: "stdout", atMs: 20, offset: 13, text: "c", droppedBytes: 7 },
		]);
	});

	it("gives the start of a character that never ends", async () => {
		api.commit(story.leased("a"));
		api.log("r1.a.1", Buffer.from([0x61, 0xe2, 0x82]));
		const found = await records("/runs/r1/steps/a/logs");
		expect(found.map(({ text, base64 }) => [text, base64])).toEqual([
			["a", undefined],
			["\ufffd", Buffer.from([0xe2, 0x82]).toString("base64")],
		]);
	});
});

describe("followed logs", () => {
	it("goes on from what is stored, takes up new attempts, and ends with the run and its logs", async () => {
		story = createStory("r2", Date.now());
		api.commit(story.submitted(two));
		api.commit(story.leased("a"), story.started("a"));
		api.log("r2.a.1", "before\n", { atMs: 10 });
		const seen: string[] = [];
		const stream = follow("/runs/r2/steps/*/logs?follow=true");
		const next = async () => {
			const { value } = await stream.next();
			seen.push(`${value?.step}.${value?.attempt} ${value?.text}`);
		};
		await next();
		api.log("r2.a.1", "live\n", { atMs: 20 });
		await next();
		api.commit(story.ended("a", "failed"), story.retry("a", 0), story.leased("a", 2));
		api.log("r2.a.2", "again\n", { atMs: 30 });
		await next();
		api.endLog("r2.a.1");
		api.commit(story.leased("b"), ...story.passed("idle"));
		api.commit(story.ended("a", "succeeded", 2), story.settled("a"), story.ended("b"), story.settled("b"));
		api.commit(story.finished("succeeded"));
		// The run is over; its logs are still on their way.
		api.log("r2.b.1", "late\n", { atMs: 40 });
		await next();
		api.log("r2.a.2", "last\n", { atMs: 50 });
		await next();
		api.endLog("r2.a.2");
		api.endLog("r2.b.1");
		expect((await stream.next()).done).toBe(true);
		expect(seen).toEqual(["a.1 before\n", "a.1 live\n", "a.2 again\n", "b.1 late\n", "a.2 last\n"]);
		expect(api.committed.listenerCount("committed")).toBe(0);
	});

	it("ends at once for a run that is long over, logs or not", async () => {
		api.commit(...story.passed("a"), story.leased("b"), story.ended("b", "lost"), story.settled("b", "failed"));
		api.commit(...story.passed("idle"), story.finished("failed"));
		api.log("r1.a.1", "done\n");
		api.endLog("r1.a.1");
		expect(texts(await all(follow("/runs/r1/steps/*/logs?follow=true")))).toEqual(["a done\n"]);
	});

	it("goes on while the log of a run that is long over still comes, asked to follow or not", async () => {
		api.commit(...story.passed("a"), story.finished("succeeded"));
		api.log("r1.a.1", "first\n");
		const stream = follow("/runs/r1/steps/a/logs");
		expect((await stream.next()).value?.text).toBe("first\n");
		api.log("r1.a.1", "last\n");
		expect((await stream.next()).value?.text).toBe("last\n");
		api.endLog("r1.a.1");
		expect((await stream.next()).done).toBe(true);
	});

	it("ends with the step when one step is asked for", async () => {
		api.commit(story.leased("a"), story.leased("b"), story.ended("a"), story.settled("a"));
		api.log("r1.a.1", "done\n");
		api.endLog("r1.a.1");
		expect(texts(await all(follow("/runs/r1/steps/a/logs?follow=true")))).toEqual(["a done\n"]);
	});

	it("ends with the attempt when one attempt is asked for", async () => {
		api.commit(story.leased("a"), story.ended("a", "failed"), story.retry("a", 0), story.leased("a", 2));
		api.log("r1.a.1", "first\n");
		api.endLog("r1.a.1");
		api.log("r1.a.2", "second\n");
		expect(texts(await all(follow("/runs/r1/steps/a/logs?follow=true&attempt=1")))).toEqual(["a first\n"]);
	});

	it("gives up a log that does not end, some seconds after its attempt", async () => {
		const late = createStory("r3", Date.now());
		api.commit(late.submitted(pipelineOf("p", [stepOf("x")])), late.leased("x"));
		api.log("r3.x.1", "half a line", { atMs: 5 });
		const stream = follow("/runs/r3/steps/*/logs?follow=true");
		expect((await stream.next()).value?.text).toBe("half a line");
		api.commit(late.ended("x", "lost"), late.settled("x", "failed"), late.finished("failed"));
		expect((await stream.next()).done).toBe(true);
	});

	it("shows a slow reader all that is stored, though the attempt is long over", async () => {
		api.commit(story.leased("a"));
		api.log("r1.a.1", "first");
		const response = await api.call("/runs/r1/steps/a/logs?follow=true");
		while (api.committed.listenerCount("committed") === 0) await sleep(5);
		const chunk = Buffer.alloc(512 * 1024, "x");
		for (let index = 0; index < 60; index++) api.log("r1.a.1", chunk);
		api.commit(story.ended("a", "lost"), story.settled("a", "failed"));
		const taken = (await response.text()).split("\n").filter((line) => line !== "");
		const bytes = taken.reduce((sum, line) => sum + (JSON.parse(line) as LogRecord).text.length, 0);
		expect(bytes).toBe("first".length + 60 * chunk.length);
	});

	it("leaves nothing behind when the client hangs up", async () => {
		api.commit(story.leased("a"));
		api.log("r1.a.1", "hello\n");
		const stop = new AbortController();
		const stream = follow("/runs/r1/steps/*/logs?follow=true", stop.signal);
		await stream.next();
		expect(api.committed.listenerCount("committed")).toBe(1);
		stop.abort();
		await stream.next().catch(() => undefined);
		while (api.committed.listenerCount("committed") > 0) await sleep(5);
	});

	it("waits for a slow reader instead of holding the log for it", async () => {
		api.commit(story.leased("a"));
		const chunk = Buffer.alloc(512 * 1024, "x");
		for (let index = 0; index < 60; index++) api.log("r1.a.1", chunk);
		let frames = 0;
		const { read } = api.logs;
		api.logs.read = async function* (...args) {
			for await (const frame of read.apply(api.logs, args)) {
				frames++;
				yield frame;
			}
		};
		const response = await api.call("/runs/r1/steps/a/logs");
		for (let before = -1; before !== frames; await sleep(100)) before = frames;
		expect(frames).toBeLessThan(50);
		const text = await response.text();
		expect(text.length).toBeGreaterThan(60 * 512 * 1024);
		expect(frames).toBe(60);
	});
});
