import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { resolveContext } from "#cli/context.ts";
import { type LogOptions, showLogs } from "#cli/lib/show-logs.ts";
import type { LogRecord } from "#shared/api.ts";
import { attemptView, runDetail, stepView } from "#test/support/run-detail.ts";
import { sendJson, startTinyHttp } from "#test/support/tiny-http.ts";

const binary = Buffer.from([0xff, 0x00, 0x1b, 0x5b, 0x32, 0x4a, 0x0a]);
const records: LogRecord[] = [
	{ step: "train.0", attempt: 1, stream: "stdout", atMs: 0, offset: 0, text: "one\n" },
	{ step: "train.0", attempt: 1, stream: "stderr", atMs: 1_000, offset: 0, text: "oops\n" },
	{
		step: "train.0",
		attempt: 1,
		stream: "stdout",
		atMs: 2_000,
		offset: 4,
		text: binary.toString(),
		base64: binary.toString("base64"),
	},
	{ step: "train.1", attempt: 1, stream: "stdout", atMs: 3_000, offset: 0, text: "two" },
	{ step: "other", attempt: 1, stream: "stdout", atMs: 4_000, offset: 0, text: "no\n" },
	{ step: "flood", attempt: 1, stream: "stdout", atMs: 5_000, offset: 0, text: "begin\n" },
	{ step: "flood", attempt: 1, stream: "stdout", atMs: 6_000, offset: 3_006, text: "", droppedBytes: 3_000 },
];

const show = async (step: string | undefined, options: LogOptions, more: { terminal?: true; json?: true } = {}) => {
	const asked: string[] = [];
	const server = await startTinyHttp((request, response) => {
		const path = request.url ?? "";
		if (!path.includes("/logs")) {
			const keys = ["train.0", "train.1", "other", "flood"];
			const attempts = [attemptView(1), attemptView(2)];
			return sendJson(response, 200, runDetail(keys.map((key) => stepView(key, { attempts }))));
		}
		asked.push(path);
		const wanted = decodeURIComponent(path.split("/")[6] ?? "");
		response.end(
			records
				.filter((record) => wanted === "*" || record.step === wanted)
				.map((record) => `${JSON.stringify(record)}\n`)
				.join(""),
		);
	});
	onTestFinished(() => server.stop());
	const stdout = Object.assign(new PassThrough(), { isTTY: more.terminal ?? false });
	const stderr = new PassThrough();
	const [printed, told] = [buffer(stdout), buffer(stderr)];
	const context = await resolveContext(
		{ url: server.url, token: "t", ...(more.json ? { output: "json" } : {}) },
		{ env: { NO_COLOR: "1" }, stdout, stderr },
	);
	await showLogs(context, "latest", step, options);
	stdout.end();
	stderr.end();
	return { bytes: await printed, told: (await told).toString(), asked };
};

test("a pipe gets one step's exact bytes", async () => {
	const { bytes } = await show("train.0", { stream: "stdout" });
	expect(bytes).toEqual(Buffer.concat([Buffer.from("one\n"), binary]));
});

test("what the log limit has cost is told beside the bytes", async () => {
	const { bytes, told } = await show("flood", {});
	expect({ bytes: bytes.toString(), told }).toEqual({
		bytes: "begin\n",
		told: "2.9 KiB of stdout dropped: over the log limit\n",
	});
});

test("a terminal gets nothing that could draw on it", async () => {
	const { bytes } = await show("train.0", {}, { terminal: true });
	expect(bytes.toString()).toBe("one\noops\n\ufffd\\x00\\x1b[2J\n");
});

test("lines of several steps say whose they are; a matrix step's name is all its cells", async () => {
	const { bytes } = await show("train", { stream: "stdout" });
	expect(bytes.toString()).toBe("train.0 │ one\ntrain.0 │ \ufffd\u0000\u001b[2J\ntrain.1 │ two\n");
	expect((await show(undefined, {})).bytes.toString()).toContain("other   │ no\n");
});

test("timestamps begin each line", async () => {
	const { bytes } = await show("other", { timestamps: true });
	expect(bytes.toString()).toBe("1970-01-01T00:00:04.000Z no\n");
});

test("JSON mode gives the records as they are", async () => {
	const { bytes } = await show("train.0", {}, { json: true });
	expect(
		bytes
			.toString()
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line)),
	).toEqual(records.slice(0, 3));
});

test("attempt and since go to the coordinator", async () => {
	const { asked } = await show("train.0", { attempt: 2, since: "1970-01-01T00:00:05Z" });
	expect(asked).toEqual(["/api/v1/runs/r0test/steps/train.0/logs?attempt=2&since=5000"]);
});

test("an attempt that never was is an error, unless it may still come", async () => {
	const missing = { code: "RM_NOT_FOUND", hint: "the last one is attempt 2" };
	await expect(show("train.0", { attempt: 3 })).rejects.toMatchObject(missing);
	await expect(show(undefined, { attempt: 3 })).rejects.toMatchObject(missing);
	expect((await show("other", { attempt: 2 })).asked).toHaveLength(1);
});

test("an unknown step is an error with the near word", async () => {
	await expect(show("trian", {})).rejects.toMatchObject({ code: "RM_NOT_FOUND", hint: "did you mean `train`?" });
});
