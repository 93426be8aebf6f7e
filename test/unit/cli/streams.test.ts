import * as http from "node:http";
import { expect, test } from "vitest";
import { readLines } from "#cli/lib/lines.ts";
import { readEvents } from "#cli/lib/sse.ts";
import { startTinyHttp } from "#test/support/tiny-http.ts";

/** The body as it arrives over a real connection, cut where the test says. */
const overHttp = async <T>(
	pieces: (string | Buffer)[],
	read: (body: http.IncomingMessage) => AsyncIterable<T>,
	{ broken = false } = {},
): Promise<{ items: T[]; error: Error | undefined }> => {
	await using server = await startTinyHttp(async (_, response) => {
		for (const piece of pieces) {
			await new Promise<void>((resolve) => response.write(piece, () => resolve()));
			await new Promise((resolve) => setImmediate(resolve));
		}
		if (broken) response.destroy();
		else response.end();
	});
	const body = await new Promise<http.IncomingMessage>((resolve, reject) => {
		http.get(server.url, { agent: false }, resolve).on("error", reject);
	});
	const items: T[] = [];
	try {
		for await (const item of read(body)) items.push(item);
	} catch (error) {
		return { items, error: error as Error };
	}
	return { items, error: undefined };
};

const lines =
	(limit = 1_000, partial = false) =>
	(body: AsyncIterable<Uint8Array>) =>
		readLines(body, { limit, partial });

test("lines come whole however their bytes are split", async () => {
	const text = Buffer.from('{"a":1}\r\n{"b":"é漢"}\n\n{"c":3}\n');
	const bytes = [...text].map((byte) => Buffer.from([byte]));
	const expected = ['{"a":1}', '{"b":"é漢"}', "", '{"c":3}'];
	expect((await overHttp([text], lines())).items).toEqual(expected);
	expect((await overHttp(bytes, lines())).items).toEqual(expected);
});

test("a last line without an end counts only when asked for", async () => {
	expect((await overHttp(["a\nb"], lines())).items).toEqual(["a"]);
	expect((await overHttp(["a\nb"], lines(1_000, true))).items).toEqual(["a", "b"]);
});

test("a line over the limit is an error, not a memory leak", async () => {
	const { items, error } = await overHttp(["ok\n", "x".repeat(600), "x".repeat(600)], lines(1_000));
	expect(items).toEqual(["ok"]);
	expect(error).toMatchObject({ code: "RM_TOO_LARGE" });
});

test("a broken connection is an error after the lines that came", async () => {
	const { items, error } = await overHttp(["a\n", "b\n", "half"], lines(), { broken: true });
	expect(items).toEqual(["a", "b"]);
	expect(error).toBeDefined();
});

test("events: ids stay, several data lines join, comments and half events are passed over", async () => {
	const body = [
		": hello\n\n",
		"id: 1.0\nda",
		'ta: {"a":1}\n',
		"\n",
		"event: note\ndata:no blank\ndata: second\n\n",
		"retry: 10\nid: 1.2\n\n",
		"data: third\n\n",
		"data: never finished\n",
	];
	const { items } = await overHttp(body, readEvents);
	expect(items).toEqual([
		{ id: "1.0", event: "message", data: '{"a":1}' },
		{ id: "1.0", event: "note", data: "no blank\nsecond" },
		{ id: "1.2", event: "message", data: "third" },
	]);
});
