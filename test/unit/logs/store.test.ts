import { appendFile, mkdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import type { LogFrame, LogStreamName } from "#coordinator/logs/frame.ts";
import { type LogChunk, type LogReadOptions, type LogStore, openLogStore } from "#coordinator/logs/store.ts";
import { codeOf, noise, tempDir } from "#test/support/data-plane.ts";

const attempt = "r1.train.1";

const chunk = (offset: number, data: Buffer | string, more: Partial<LogChunk> = {}): LogChunk => ({
	attemptId: attempt,
	stream: "stdout",
	offset,
	data: Buffer.from(data),
	atMs: 7,
	droppedBytes: 0,
	end: false,
	...more,
});

const endAll = (logs: LogStore, offsets: Record<LogStreamName, number>): void => {
	for (const [stream, offset] of Object.entries(offsets)) {
		logs.append(chunk(offset, "", { stream: stream as LogStreamName, end: true }));
	}
};

const opened = (dir: string): LogStore => {
	const logs = openLogStore(dir);
	onTestFinished(() => logs.close());
	return logs;
};

const collect = async (logs: LogStore, options: LogReadOptions = {}, id = attempt): Promise<LogFrame[]> => {
	const frames: LogFrame[] = [];
	for await (const { position: _, ...frame } of logs.read(id, options)) frames.push(frame);
	return frames;
};

const bytesOf = (frames: LogFrame[], stream: LogStreamName): Buffer =>
	Buffer.concat(frames.filter((frame) => frame.stream === stream).map((frame) => frame.data));

describe("log store", () => {
	it("stores each byte once, whatever comes twice or overlaps, and refuses a gap", async () => {
		const logs = opened(await tempDir());
		expect(logs.append(chunk(0, ""))).toBe(0);
		expect(logs.append(chunk(0, "hello "))).toBe(6);
		expect(logs.append(chunk(0, "hello "))).toBe(6);
		expect(logs.append(chunk(3, "lo world"))).toBe(11);
		expect(logs.append(chunk(20, "later"))).toBe(11);
		expect(logs.append(chunk(0, "err", { stream: "stderr" }))).toBe(3);
		const frames = await collect(logs);
		expect(bytesOf(frames, "stdout").toString()).toBe("hello world");
		expect(bytesOf(frames, "stderr").toString()).toBe("err");
		expect(frames.map((frame) => frame.offset)).toEqual([0, 6, 0]);
	});

	it("lets a follower of an attempt that wrote nothing go, and keeps no file", async () => {
		const dir = await tempDir();
		const logs = opened(dir);
		const following = collect(logs, { follow: true });
		logs.endSilent(attempt);
		expect(await following).toEqual([]);
		expect(await collect(logs, { follow: true })).toEqual([]);
		await expect(stat(join(dir, "r1"))).rejects.toThrow();
		expect(() => logs.endSilent("../../etc")).toThrow(expect.objectContaining({ code: "RM_BAD_INPUT" }));
	});

	it("holds up nobody who asks for the log of an attempt that was said before to have written nothing", async () => {
		const logs = opened(await tempDir());
		logs.endSilent(attempt);
		expect(await collect(logs, { follow: true })).toEqual([]);
	});

	it("takes a gap that is accounted for as dropped, and says so to readers", async () => {
		const logs = opened(await tempDir());
		logs.append(chunk(0, "kept"));
		expect(logs.append(chunk(1004, "", { droppedBytes: 1000, end: true }))).toBe(1004);
		expect(await collect(logs)).toMatchObject([{ offset: 0 }, { offset: 1004, droppedBytes: 1000, end: true }]);
	});

	it("takes the end with bytes it has already, and nothing after it", async () => {
		const logs = opened(await tempDir());
		logs.append(chunk(0, "all"));
		expect(logs.append(chunk(0, "all", { end: true }))).toBe(3);
		expect(logs.append(chunk(3, "more"))).toBe(7);
		expect(bytesOf(await collect(logs), "stdout").toString()).toBe("all");
		expect((await collect(logs)).filter((frame) => frame.end)).toHaveLength(1);
	});

	it("stands where it stood after a restart", async () => {
		const dir = await tempDir();
		const first = openLogStore(dir);
		const bytes = noise(3_000_000);
		for (let at = 0; at < bytes.length; at += 700_000) first.append(chunk(at, bytes.subarray(at, at + 700_000)));
		first.close();
		const logs = opened(dir);
		expect(logs.append(chunk(0, ""))).toBe(3_000_000);
		expect(bytesOf(await collect(logs), "stdout").equals(bytes)).toBe(true);
	});

	it("cuts a frame that a crash tore, at any byte, and goes on", async () => {
		const dir = await tempDir();
		const logs = openLogStore(dir);
		logs.append(chunk(0, "first"));
		const path = join(dir, "r1", `${attempt}.log`);
		const whole = (await stat(path)).size;
		logs.append(chunk(5, "second", { end: true }));
		logs.close();
		const bytes = await readFile(path);
		for (let length = whole; length < bytes.length; length++) {
			await writeFile(path, bytes);
			await truncate(path, length);
			const again = openLogStore(dir);
			expect(again.append(chunk(0, ""))).toBe(5);
			expect(again.append(chunk(5, "second", { end: true }))).toBe(11);
			expect(bytesOf(await collect(again), "stdout").toString()).toBe("firstsecond");
			again.close();
			expect((await readFile(path)).equals(bytes)).toBe(true);
		}
		await appendFile(path, noise(100));
		const garbled = opened(dir);
		expect(bytesOf(await collect(garbled), "stdout").toString()).toBe("firstsecond");
		expect((await stat(path)).size).toBe(bytes.length);
	});

	it("reads on from any frame's position", async () => {
		const logs = opened(await tempDir());
		for (let index = 0; index < 10; index++) logs.append(chunk(index, String(index)));
		const positions: number[] = [];
		for await (const { position } of logs.read(attempt)) positions.push(position);
		expect(positions).toHaveLength(10);
		for (const [index, position] of positions.entries()) {
			expect(bytesOf(await collect(logs, { from: position }), "stdout").toString()).toBe("0123456789".slice(index + 1));
		}
		for (const from of [1, -1, 0.5, 1e9]) expect(await codeOf(() => collect(logs, { from }))).toBe("RM_BAD_INPUT");
	});

	it("follows until every stream has ended, from before the first byte", async () => {
		const logs = opened(await tempDir());
		const following = collect(logs, { follow: true });
		for (let index = 0; index < 50; index++) {
			logs.append(chunk(index, "x"));
			if (index % 7 === 0) await new Promise(setImmediate);
		}
		endAll(logs, { stdout: 50, stderr: 0, metrics: 0 });
		expect(bytesOf(await following, "stdout")).toHaveLength(50);
		expect(await collect(logs, { follow: true })).toHaveLength(53);
	});

	it("stops following when told to, and when it is closed", async () => {
		const dir = await tempDir();
		const logs = openLogStore(dir);
		logs.append(chunk(0, "x"));
		const stop = new AbortController();
		const [stopped, closed] = [collect(logs, { follow: true, signal: stop.signal }), collect(logs, { follow: true })];
		await new Promise(setImmediate);
		stop.abort();
		expect(await stopped).toHaveLength(1);
		logs.close();
		expect((await closed).length).toBeLessThanOrEqual(1);
	});

	it("keeps more attempts than it may hold files open", async () => {
		const logs = opened(await tempDir());
		const ids = Array.from({ length: 400 }, (_, index) => `r${index % 7}.step.${index}`);
		for (const text of ["a", "b"]) {
			for (const attemptId of ids) logs.append(chunk(text === "a" ? 0 : 1, text, { attemptId }));
		}
		for (const id of ids) expect(bytesOf(await collect(logs, {}, id), "stdout").toString()).toBe("ab");
	});

	it("refuses ids that are no file name, and offsets out of range", async () => {
		const dir = await tempDir();
		const logs = opened(join(dir, "logs"));
		await mkdir(join(dir, "x"), { recursive: true });
		for (const attemptId of ["", "../x", "a/b", "..", "a..b", ".a", "a\0", "a".repeat(100), "r.s.1/../../x"]) {
			expect(await codeOf(() => logs.append(chunk(0, "x", { attemptId })))).toBe("RM_BAD_INPUT");
			expect(await codeOf(() => collect(logs, {}, attemptId))).toBe("RM_BAD_INPUT");
		}
		for (const more of [{ offset: -1 }, { offset: 0.5 }, { offset: 2 ** 53 }, { droppedBytes: 1 }]) {
			expect(await codeOf(() => logs.append(chunk(0, "x", more)))).toBe("RM_BAD_INPUT");
		}
		expect(await codeOf(() => logs.append(chunk(0, Buffer.alloc(1024 * 1024 + 1))))).toBe("RM_TOO_LARGE");
	});

	it("holds exactly the stream, whatever chunks of it come in whatever order, with restarts between", async () => {
		const source = noise(200);
		const dir = await tempDir();
		let run = 0;
		const piece = fc.record({ offset: fc.nat(199), length: fc.nat(60), restart: fc.boolean() });
		await fc.assert(
			fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
				const attemptId = `p${run++}.s.1`;
				let logs = openLogStore(dir);
				let next = 0;
				for (const { offset, length, restart } of pieces) {
					const data = source.subarray(offset, offset + length);
					if (offset <= next) next = Math.max(next, offset + data.length);
					expect(logs.append(chunk(offset, data, { attemptId }))).toBe(next);
					if (!restart) continue;
					logs.close();
					logs = openLogStore(dir);
				}
				expect(bytesOf(await collect(logs, {}, attemptId), "stdout").equals(source.subarray(0, next))).toBe(true);
				logs.close();
			}),
			{ numRuns: 60 },
		);
	});
});

describe("metrics in the log", () => {
	it("hands points on once, across chunks and a restart, and counts bad lines", async () => {
		const dir = await tempDir();
		const seen: unknown[] = [];
		let bad = 0;
		const withMetrics = (): LogStore =>
			openLogStore(dir, {
				onMetrics: (attemptId, points, badLines) => {
					bad += badLines;
					for (const point of points) seen.push([attemptId, point.name, point.value, point.step, point.atMs]);
				},
			});
		const text = '{"name":"loss","value":0.5,"step":1}\nnonsense\n\n{"name":"acc","value":1,"step":2}';
		const cut = 60;
		const first = withMetrics();
		first.append(chunk(0, text.slice(0, cut), { stream: "metrics" }));
		first.close();
		const second = withMetrics();
		second.append(chunk(0, text.slice(0, cut), { stream: "metrics" }));
		second.append(chunk(cut, text.slice(cut), { stream: "metrics", atMs: 9 }));
		expect(seen).toHaveLength(1);
		second.append(chunk(text.length, "", { stream: "metrics", atMs: 9, end: true }));
		expect(seen).toEqual([
			[attempt, "loss", 0.5, 1, 7],
			[attempt, "acc", 1, 2, 9],
		]);
		expect(bad).toBe(1);
		second.close();
	});
});
