import { expect, test } from "vitest";
import { createLineAssembler } from "#cli/lib/log-lines.ts";
import { parseSince } from "#cli/lib/since.ts";
import type { LogRecord } from "#shared/api.ts";

const record = (text: string, more: Partial<LogRecord> = {}): LogRecord => ({
	step: "train",
	attempt: 1,
	stream: "stdout",
	atMs: 1,
	offset: 0,
	text,
	...more,
});

test("lines are put together for each stream by itself", () => {
	const assembler = createLineAssembler();
	expect(assembler.push(record("half "))).toEqual([]);
	expect(assembler.push(record("other\n", { stream: "stderr" })).map(({ text }) => text)).toEqual(["other"]);
	expect(assembler.push(record("line\nnext\nopen")).map(({ text }) => text)).toEqual(["half line", "next"]);
	expect(assembler.flush().map(({ text }) => text)).toEqual(["open"]);
	expect(assembler.flush()).toEqual([]);
});

test("a character cut in two by records comes out whole", () => {
	const bytes = Buffer.from("é\n");
	const assembler = createLineAssembler();
	const part = (piece: Buffer) => record(piece.toString(), { base64: piece.toString("base64") });
	expect(assembler.push(part(bytes.subarray(0, 1)))).toEqual([]);
	expect(assembler.push(part(bytes.subarray(1)))[0]?.text).toBe("é");
});

test("of a progress bar the last state is shown", () => {
	const assembler = createLineAssembler();
	expect(assembler.push(record("10%\r50%\r100%\r\n"))[0]?.text).toBe("100%");
});

test("dropped output is told of where it is missing", () => {
	const lines = createLineAssembler().push(record("after\n", { droppedBytes: 2_048 }));
	expect(lines.map(({ text }) => text)).toEqual(["[2 KiB of output dropped here]", "after"]);
});

test("a line without end is let go in parts", () => {
	const assembler = createLineAssembler();
	const lines = assembler.push(record("x".repeat(150_000)));
	expect(lines.map(({ text }) => text.length)).toEqual([65_536, 65_536]);
});

test("--since takes durations and times", () => {
	expect(parseSince("10m", 1_000_000)).toBe(400_000);
	expect(parseSince("2026-01-31T12:00:00Z", 0)).toBe(Date.UTC(2026, 0, 31, 12));
	expect(() => parseSince("yesterday", 0)).toThrow(/neither/);
});
