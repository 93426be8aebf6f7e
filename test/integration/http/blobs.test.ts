import { createHash } from "node:crypto";
import { request } from "node:http";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ManifestView } from "#shared/api.ts";
import type { Manifest } from "#shared/domain.ts";
import type { Digest } from "#shared/ids.ts";
import { manifestCodec } from "#shared/wire/codec.ts";
import { postJson, startTestApi, type TestApi } from "#test/support/http-api.ts";
import { createStory, pipelineOf, stepOf } from "#test/support/journal-story.ts";

const digestOf = (bytes: Uint8Array): Digest => `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;

/** Bytes that only an agent has. */
let elsewhere: Map<Digest, Uint8Array>;
let fetched: { digest: Digest; holders: string[] }[];
let api: TestApi;
beforeEach(async () => {
	elsewhere = new Map();
	fetched = [];
	api = await startTestApi({
		fetchBlob: async (digest, holders) => {
			fetched.push({ digest, holders });
			const bytes = elsewhere.get(digest);
			if (!bytes) throw new Error("asked for a blob that nobody has");
			await api.blobs.write(Readable.from([bytes]), digest);
		},
	});
});
afterEach(() => api.close());

const put = (digest: string, body: string | Uint8Array, type?: string) =>
	api.call(`/blobs/${digest}`, { method: "PUT", body: body as string, headers: type ? { "content-type": type } : {} });

describe("blobs", () => {
	it("go up once and come down the same", async () => {
		const bytes = Buffer.alloc(3_000_000, "runmesh");
		const digest = digestOf(bytes);
		expect((await api.call(`/blobs/${digest}`)).status).toBe(404);
		expect(await api.json("/blobs/missing", postJson({ digests: [digest, digest] }))).toEqual({ missing: [digest] });
		expect((await put(digest, bytes, "application/octet-stream")).status).toBe(201);
		expect((await put(digest, bytes)).status).toBe(204);
		expect(await api.json("/blobs/missing", postJson({ digests: [digest] }))).toEqual({ missing: [] });
		const response = await api.call(`/blobs/${digest}`);
		expect(response.headers.get("content-length")).toBe("3000000");
		expect(response.headers.get("content-type")).toBe("application/octet-stream");
		expect(response.headers.get("x-content-type-options")).toBe("nosniff");
		expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
	});

	it("may be empty, JSON, or of any type", async () => {
		for (const [body, type] of [
			["", ""],
			["{}", "application/json"],
			["a: 1", "text/yaml"],
		] as const) {
			const digest = digestOf(Buffer.from(body));
			expect((await put(digest, body, type)).status).toBe(201);
			expect(await (await api.call(`/blobs/${digest}`)).text()).toBe(body);
		}
	});

	it("are refused when they are other bytes, and leave nothing", async () => {
		const digest = digestOf(Buffer.from("right"));
		const response = await put(digest, "wrong");
		expect(response.status).toBe(400);
		expect(await response.json()).toMatchObject({ code: "RM_BAD_INPUT", hint: "send them again" });
		expect(await api.blobs.sizeOf(digest)).toBeNull();
		expect(await api.blobs.sizeOf(digestOf(Buffer.from("wrong")))).toBeNull();
		expect((await put("sha256:abc", "x")).status).toBe(400);
	});

	it("are refused by their length alone, and dropped when the sender hangs up", async () => {
		const digest = digestOf(Buffer.from("x"));
		const send = (length: number, sent: string) =>
			new Promise<number>((resolve) => {
				const headers = { authorization: `Bearer ${api.token}`, "content-length": length };
				const call = request(`${api.url}/api/v1/blobs/${digest}`, { method: "PUT", headers }, (response) => {
					resolve(response.statusCode ?? 0);
					call.destroy();
				});
				call.on("error", () => resolve(-1));
				call.write(sent);
				if (length < 100) call.write("", () => setImmediate(() => call.destroy()));
			});
		expect(await send(21 * 1024 ** 3, "x")).toBe(413);
		expect(await send(50, "xxx")).toBe(-1);
		expect(await api.blobs.sizeOf(digest)).toBeNull();
		expect((await put(digest, "x")).status).toBe(201);
	});

	it("are asked for by at most ten thousand digests", async () => {
		const digests = Array.from({ length: 10_001 }, (_, index) => `sha256:${String(index).padStart(64, "0")}`);
		expect((await api.call("/blobs/missing", postJson({ digests: digests.slice(1) }))).status).toBe(200);
		expect((await api.call("/blobs/missing", postJson({ digests }))).status).toBe(400);
		expect((await api.call("/blobs/missing", postJson({ digests: ["x"] }))).status).toBe(400);
	});
});

describe("artifacts", () => {
	const weights = Buffer.from("weights");
	const manifest: Manifest = {
		singleFile: false,
		entries: [
			{ path: "model.onnx", digest: digestOf(weights), sizeBytes: 7, executable: false, linkTarget: "" },
			{ path: "current", digest: "", sizeBytes: 0, executable: false, linkTarget: "model.onnx" },
		],
	};
	const bytes = manifestCodec.encode(manifest);
	const digest = digestOf(bytes);

	const leave = (): void => {
		const story = createStory("r1");
		const output = { name: "model", digest, sizeBytes: 7, fileCount: 2, holders: ["agent-1", "agent-2"] };
		api.commit(
			story.submitted(pipelineOf("p", [stepOf("train")])),
			story.leased("train"),
			story.ended("train"),
			story.settled("train", "succeeded", { outputs: [output] }),
		);
	};

	it("come here from their holders, manifest and blobs, once", async () => {
		leave();
		elsewhere.set(digest, bytes);
		elsewhere.set(digestOf(weights), weights);
		expect(await api.json("/runs/r1/artifacts")).toMatchObject([{ run: "r1", step: "train", name: "model", digest }]);
		const view: ManifestView = { digest, singleFile: false, files: manifest.entries };
		expect(await api.json(`/artifacts/${digest}`)).toEqual(view);
		expect(await api.json(`/artifacts/${digest}`)).toEqual(view);
		const holders = ["agent-1", "agent-2"];
		expect(fetched).toEqual([
			{ digest, holders },
			{ digest: digestOf(weights), holders },
		]);
		expect(await (await api.call(`/blobs/${digestOf(weights)}`)).text()).toBe("weights");
	});

	it("bring only what is missing", async () => {
		leave();
		await put(digest, bytes);
		elsewhere.set(digestOf(weights), weights);
		expect((await api.call(`/artifacts/${digest}`)).status).toBe(200);
		expect(fetched.map((fetch) => fetch.digest)).toEqual([digestOf(weights)]);
	});

	it("are not found where no run has left them, and are no artifact where the bytes are something else", async () => {
		expect((await api.call(`/artifacts/${digest}`)).status).toBe(404);
		const text = Buffer.from("just some text, no manifest");
		await put(digestOf(text), text);
		const response = await api.call(`/artifacts/${digestOf(text)}`);
		expect(response.status).toBe(400);
		const evil = manifestCodec.encode({
			singleFile: false,
			entries: [
				{ path: "../../etc/passwd", digest: digestOf(weights), sizeBytes: 7, executable: false, linkTarget: "" },
			],
		});
		await put(digestOf(evil), evil);
		expect((await api.call(`/artifacts/${digestOf(evil)}`)).status).toBe(400);
	});
});
