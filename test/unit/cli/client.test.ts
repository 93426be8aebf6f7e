import type { IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { createApiClient } from "#cli/lib/client.ts";
import type { Patience } from "#cli/lib/resume.ts";
import type { LogRecord } from "#shared/api.ts";
import { runDetail, stepView } from "#test/support/run-detail.ts";
import { type Handler, readBody, sendJson, startTinyHttp } from "#test/support/tiny-http.ts";

const patience: Patience = { firstDelayMs: 5, maxDelayMs: 20, giveUpAfterMs: 30_000 };

const serve = async (handler: Handler) => {
	const server = await startTinyHttp(handler);
	onTestFinished(() => server.stop());
	return { server, client: createApiClient({ url: server.url, token: "secret" }) };
};

test("calls carry the token and speak JSON", async () => {
	let seen: IncomingMessage | undefined;
	const { client } = await serve((request, response) => {
		seen = request;
		sendJson(response, 200, { items: [], next: null });
	});
	expect(await client.runs({ state: "failed", limit: 5 })).toEqual({ items: [], next: null });
	expect(seen?.headers.authorization).toBe("Bearer secret");
	expect(seen?.url).toBe("/api/v1/runs?state=failed&limit=5");
});

test("names can't leave their place in the path", async () => {
	let url = "";
	const { client } = await serve((request, response) => {
		url = request.url ?? "";
		sendJson(response, 200, {});
	});
	await client.run("../../x?y");
	expect(url).toBe("/api/v1/runs/..%2F..%2Fx%3Fy");
});

test("what may be asked of a run and its steps goes where the API has it", async () => {
	const asked: string[] = [];
	const { client } = await serve(async (request, response) => {
		const body = await readBody(request);
		asked.push(`${request.method} ${request.url} ${body}`);
		sendJson(response, 200, {});
	});
	await client.explain("latest", "train.3", 2);
	await client.explain("latest");
	await client.cancelStep("r0", "train.3", "enough");
	await client.cancelRun("r0", "enough");
	await client.approveStep("r0", "release", { approved: false, comment: "no" });
	await client.retryRun("r0", { failedOnly: true, submissionId: "s" });
	await client.runs({ search: "lr=0.1 x", submitter: "ada", since: 5, state: "queued" });
	expect(asked.map((line) => line.replace("/api/v1", ""))).toEqual([
		"GET /runs/latest/explain?step=train.3&attempt=2 ",
		"GET /runs/latest/explain ",
		'POST /runs/r0/steps/train.3/cancel {"reason":"enough"}',
		'POST /runs/r0/cancel {"reason":"enough"}',
		'POST /runs/r0/steps/release/approve {"approved":false,"comment":"no"}',
		'POST /runs/r0/retry {"failedOnly":true,"submissionId":"s"}',
		"GET /runs?search=lr%3D0.1+x&submitter=ada&since=5&state=queued ",
	]);
});

test("a problem comes back as the error it was", async () => {
	const problems = [{ file: "p", line: 1, column: 2, path: "", message: "no", hint: "" }];
	const { client } = await serve((_, response) =>
		sendJson(response, 422, { code: "RM_PIPELINE_INVALID", detail: "p is wrong", hint: "mend it", problems }),
	);
	await expect(
		client.plan({
			pipeline: "",
			file: "p",
			params: {},
			code: null,
			submissionId: "1",
			files: {},
			cache: "use",
			reuse: null,
		}),
	).rejects.toMatchObject({
		code: "RM_PIPELINE_INVALID",
		message: "p is wrong",
		hint: "mend it",
		details: problems,
	});
});

test("an answer of something in between is known by its status", async () => {
	let status = 502;
	const { client } = await serve((_, response) => {
		response.writeHead(status).end("<html>");
	});
	await expect(client.agents()).rejects.toMatchObject({ code: "RM_UNAVAILABLE" });
	status = 401;
	await expect(client.agents()).rejects.toMatchObject({ code: "RM_UNAUTHENTICATED", hint: /RUNMESH_TOKEN/ });
	status = 200;
	await expect(client.agents()).rejects.toMatchObject({ code: "RM_UNAVAILABLE", message: /does not answer as/ });
});

test("where nobody listens, the hint says how to start a mesh", async () => {
	const { server, client } = await serve(() => undefined);
	await server.stop();
	await expect(client.agents()).rejects.toMatchObject({ code: "RM_UNAVAILABLE", hint: /runmesh up/ });
	expect(await client.isReady()).toBe(false);
});

test("a kept connection that was closed meanwhile costs nothing", async () => {
	let connections = 0;
	const body = JSON.stringify([]);
	const server = createServer((socket) => {
		connections++;
		let answered = false;
		socket
			.on("error", () => undefined)
			.on("data", () => {
				// Answers once, then resets at the second request: the client can't have known.
				if (answered) socket.resetAndDestroy();
				else socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
				answered = true;
			});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	onTestFinished(() => void server.close());
	const { port } = server.address() as { port: number };
	const client = createApiClient({ url: `http://127.0.0.1:${port}`, token: null });
	expect(await client.agents()).toEqual([]);
	expect(await client.agents()).toEqual([]);
	expect(connections).toBe(2);
});

test("an upload that is refused before all of it was read lets go of its connection", async () => {
	const closed = Promise.withResolvers<void>();
	const { client } = await serve((request, response) => {
		request.socket.once("close", () => closed.resolve());
		sendJson(response, 507, { code: "RM_DISK_FULL", detail: "no space left" });
	});
	const chunks = Array.from({ length: 64 }, () => Buffer.alloc(256 * 1024));
	const upload = client.putBlob(`sha256:${"0".repeat(64)}`, 16 * 1024 ** 2, () => Readable.from(chunks));
	await expect(upload).rejects.toMatchObject({ code: "RM_DISK_FULL" });
	await closed.promise;
});

test("events go on behind the last one seen, over cuts and a restart", async () => {
	const asked: (string | undefined)[] = [];
	const { server, client } = await serve(async (request, response) => {
		const last = request.headers["last-event-id"] as string | undefined;
		asked.push(last);
		const from = last === undefined ? 1 : Number(last.split(".")[0]) + 1;
		response.writeHead(200, { "content-type": "text/event-stream" });
		response.write(`id: ${from}.0\ndata: {"id":"${from}.0","kind":"attemptStarted"}\n\n`);
		response.write(`id: ${from + 1}.0\ndata: {"id":"${from + 1}.0"`, () => response.destroy());
	});
	const stop = new AbortController();
	const seen: string[] = [];
	for await (const event of client.events("r1", { signal: stop.signal, patience })) {
		seen.push(event.id);
		if (seen.length === 2) {
			await server.stop();
			setTimeout(() => void server.start(), 30);
		}
		if (seen.length === 4) stop.abort();
	}
	expect(seen).toEqual(["1.0", "2.0", "3.0", "4.0"]);
	expect(asked.slice(0, 4)).toEqual([undefined, "1.0", "2.0", "3.0"]);
});

test("events end with an error that no waiting will cure", async () => {
	const { client } = await serve((_, response) =>
		sendJson(response, 401, { code: "RM_UNAUTHENTICATED", detail: "no" }),
	);
	const read = async () => {
		for await (const _ of client.events(null, { patience })) throw new Error("an event came");
	};
	await expect(read()).rejects.toMatchObject({ code: "RM_UNAUTHENTICATED" });
});

const record = (offset: number, text: string, more: Partial<LogRecord> = {}): LogRecord => ({
	step: "train",
	attempt: 1,
	stream: "stdout",
	atMs: 1,
	offset,
	text,
	...more,
});

const bytesOf = async (records: AsyncIterable<LogRecord>): Promise<string> => {
	const chunks: Buffer[] = [];
	for await (const { text, base64 } of records) {
		chunks.push(base64 === undefined ? Buffer.from(text) : Buffer.from(base64, "base64"));
	}
	return Buffer.concat(chunks).toString();
};

test("a followed log is whole and without repetition, however often it is cut and re-cut", async () => {
	const text = "one\ntwo é漢\nthree\n";
	const bytes = Buffer.from(text);
	let tries = 0;
	const { client } = await serve((request, response) => {
		if (!request.url?.includes("/logs")) return sendJson(response, 200, runDetail([], { state: "succeeded" }));
		// Each time other chunks, from the start, and a little further.
		const size = 3 + tries;
		const until = Math.min(bytes.length, 6 * ++tries);
		for (let from = 0; from < until; from += size) {
			const piece = bytes.subarray(from, Math.min(until, from + size));
			const line = record(from, piece.toString(), { base64: piece.toString("base64") });
			response.write(`\n${JSON.stringify(line)}\n`);
		}
		if (until < bytes.length) response.write('{"step":"tr', () => response.destroy());
		else response.end();
	});
	expect(await bytesOf(client.followLogs("r1", "*", {}, { patience }))).toBe(text);
	expect(tries).toBeGreaterThan(3);
});

test("a log that ended though the run goes on is asked for again; a settled step's is not", async () => {
	let tries = 0;
	const state = () => (tries > 1 ? "succeeded" : "running");
	const { client } = await serve((request, response) => {
		if (!request.url?.includes("/logs"))
			return sendJson(response, 200, runDetail([stepView("train", { state: state() })]));
		tries++;
		response.end(tries > 1 ? `${JSON.stringify(record(0, "late"))}\n` : "");
	});
	expect(await bytesOf(client.followLogs("r1", "train", {}, { patience }))).toBe("late");
	expect(tries).toBe(2);
});
