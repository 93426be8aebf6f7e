import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { createApiClient } from "#cli/lib/client.ts";
import { checkCodeSize } from "#cli/lib/code-size.ts";
import { downloadArtifact } from "#cli/lib/download.ts";
import { planPipeline, submitPipeline } from "#cli/lib/submit.ts";
import type { SubmitRequest } from "#shared/api.ts";
import { manifestCodec } from "#shared/wire/codec.ts";
import { runDetail } from "#test/support/run-detail.ts";
import { readBody, sendJson, startTinyHttp } from "#test/support/tiny-http.ts";

let folder: string;
let file: string;

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "runmesh-submit-"));
	file = put("pipeline.yaml", "name: digits # the name\nparams: {epochs: 3}\nsteps: {train: {run: echo hi}}\n");
});

afterEach(() => rmSync(folder, { recursive: true }));

const put = (path: string, text: string): string => {
	const full = join(folder, path);
	mkdirSync(dirname(full), { recursive: true });
	writeFileSync(full, text);
	return full;
};

/** Keeps blobs and runs as the coordinator does; the first answers to a submission may get lost. */
const startMesh = async ({ answersLost = 0 } = {}) => {
	const blobs = new Map<string, Buffer>();
	const runs = new Map<string, SubmitRequest>();
	const puts: string[] = [];
	let lost = 0;
	/** Files of an artifact are not at the coordinator before the artifact has been asked for. */
	let gathered = false;
	const server = await startTinyHttp(async (request, response) => {
		const path = decodeURIComponent(request.url ?? "");
		const body = await readBody(request);
		if (path === "/api/v1/blobs/missing") {
			const { digests } = JSON.parse(body.toString()) as { digests: string[] };
			return sendJson(response, 200, { missing: digests.filter((digest) => !blobs.has(digest)) });
		}
		const digest = path.replace("/api/v1/blobs/", "");
		if (request.method === "PUT") {
			puts.push(digest);
			if (digest !== `sha256:${createHash("sha256").update(body).digest("hex")}`) {
				return sendJson(response, 400, { code: "RM_BAD_INPUT", detail: "other bytes" });
			}
			blobs.set(digest, body);
			return void response.writeHead(201).end();
		}
		if (path.endsWith("/artifacts")) return sendJson(response, 200, artifacts);
		if (path.startsWith("/api/v1/artifacts/")) {
			gathered = true;
			return sendJson(response, 200, {});
		}
		if (request.method === "GET") {
			return gathered ? void response.end(blobs.get(digest)) : sendJson(response, 404, { code: "RM_NOT_FOUND" });
		}
		const submitted = JSON.parse(body.toString()) as SubmitRequest;
		runs.set(submitted.submissionId, submitted);
		if (lost++ < answersLost) response.destroy();
		else sendJson(response, 201, runDetail([], { id: `r${runs.size}` }));
	});
	const artifacts: unknown[] = [];
	onTestFinished(() => server.stop());
	return { blobs, runs, puts, artifacts, client: createApiClient({ url: server.url, token: null }) };
};

const filesOf = (blobs: Map<string, Buffer>, request: SubmitRequest): string[] =>
	manifestCodec.decode(blobs.get(request.code?.digest ?? "") ?? Buffer.alloc(0)).entries.map(({ path }) => path);

test("the folder goes along, without what is ignored", async () => {
	for (const path of [
		"src/a.mjs",
		"node_modules/x/index.js",
		".git/HEAD",
		".runmesh/x",
		"train.log",
		"data/big.bin",
		"data/keep.csv",
		"out/y",
	]) {
		put(path, path);
	}
	put(".gitignore", "data/*\nout/\n");
	put(".runmeshignore", "!data/keep.csv\n");
	const { client, blobs, runs } = await startMesh();
	const run = await submitPipeline(client, file, { epochs: "5" });
	expect(run.id).toBe("r1");
	const [request] = [...runs.values()];
	expect(request).toMatchObject({ file, params: { epochs: "5" }, code: { name: "code", fileCount: 5 } });
	expect(filesOf(blobs, request as SubmitRequest)).toEqual([
		".gitignore",
		".runmeshignore",
		"data/keep.csv",
		"pipeline.yaml",
		"src/a.mjs",
	]);
});

test("only what is missing is uploaded, the manifest last", async () => {
	put("a.txt", "a");
	put("copy-of-a.txt", "a");
	put("empty", "");
	const { client, puts, runs } = await startMesh();
	await submitPipeline(client, file, {});
	expect(puts).toHaveLength(4);
	expect(puts.at(-1)).toBe([...runs.values()][0]?.code?.digest);
	await submitPipeline(client, file, {});
	expect(puts).toHaveLength(4);
	put("a.txt", "changed");
	await submitPipeline(client, file, {});
	expect(puts).toHaveLength(6);
	expect(runs.size).toBe(3);
});

test("a submission whose answer got lost is made again under the same id", async () => {
	const { client, runs } = await startMesh({ answersLost: 2 });
	expect((await submitPipeline(client, file, {})).id).toBe("r1");
	expect(runs.size).toBe(1);
});

test("--name puts another name in the text and leaves every line where it was", async () => {
	const { client, runs } = await startMesh();
	await submitPipeline(client, file, {}, { name: "other" });
	expect([...runs.values()][0]?.pipeline).toMatch(/^name: "other" # the name\nparams/);
	await expect(submitPipeline(client, file, {}, { name: "no name" })).rejects.toMatchObject({ code: "RM_BAD_INPUT" });
});

test("sub-pipelines go along, those in folders and those they name too", async () => {
	const use = (path: string) => `{uses: pipeline, with: {file: ${path}}}`;
	put("pipeline.yaml", `name: digits\nsteps: {a: ${use("parts/a.yaml")}, b: ${use("./b.yaml")}}\n`);
	put("parts/a.yaml", `steps: {a: ${use("../b.yaml")}, c: ${use("c.yaml")}}\n`);
	put("b.yaml", "steps: {b: {run: echo b}}\n");
	put("parts/c.yaml", "steps: {c: {run: echo c}}\n");
	put("other.yaml", "steps: {c: {run: echo c}}\n");
	const { client, runs } = await startMesh();
	await submitPipeline(client, file, {}, { name: "other" });
	const [request] = [...runs.values()];
	expect(request).toMatchObject({ cache: "use", reuse: null });
	expect(request?.files).toEqual({
		"b.yaml": "steps: {b: {run: echo b}}\n",
		"parts/a.yaml": readFileSync(join(folder, "parts/a.yaml"), "utf8"),
		"parts/c.yaml": "steps: {c: {run: echo c}}\n",
	});
});

test("errors of sub-pipelines are told of the file they are in", async () => {
	const nowhere = createApiClient({ url: "http://127.0.0.1:1", token: null });
	put(
		"pipeline.yaml",
		"name: digits\nsteps: {a: {uses: pipeline, with: {file: a.yaml}}, b: {uses: pipeline, with: {file: b.yaml}}}\n",
	);
	put("a.yaml", "steps:\n  a: {rnu: echo hi}\n");
	const error = await planPipeline(nowhere, file, {}).catch((thrown) => thrown);
	const places = error.details.map(({ file: at, line, message }: { file: string; line: number; message: string }) => [
		at,
		line,
		message,
	]);
	expect(places).toContainEqual([file, 2, "there is no file `b.yaml`"]);
	expect(places).toContainEqual([join(folder, "a.yaml"), 2, "`rnu` is no key here"]);
	symlinkSync("/etc/passwd", join(folder, "b.yaml"));
	await expect(planPipeline(nowhere, file, {})).rejects.toMatchObject({ code: "RM_UNSAFE_PATH" });
});

test("errors of the file and its parameters need no mesh", async () => {
	const nowhere = createApiClient({ url: "http://127.0.0.1:1", token: null });
	await expect(submitPipeline(nowhere, file, { epoch: "5" })).rejects.toMatchObject({
		code: "RM_BAD_INPUT",
		message: /epochs/,
	});
	put("pipeline.yaml", "name: digits\nsteps: {train: {rnu: echo hi}}\n");
	const error = await planPipeline(nowhere, file, {}).catch((thrown) => thrown);
	expect(error).toMatchObject({ code: "RM_PIPELINE_INVALID" });
	expect(error.details[0]).toMatchObject({ file, line: 2 });
	await expect(submitPipeline(nowhere, join(folder, "none.yaml"), {})).rejects.toMatchObject({ code: "RM_NOT_FOUND" });
	await expect(submitPipeline(nowhere, folder, {})).rejects.toMatchObject({ message: /is a folder/ });
});

test("a folder too large is refused with its largest parts named", async () => {
	put("data/a.bin", "x".repeat(900));
	put("data/deep/b.bin", "x".repeat(900));
	put("models/m.onnx", "x".repeat(500));
	const check = checkCodeSize(folder, () => false, { files: 100, bytes: 1_000 });
	await expect(check).rejects.toMatchObject({
		code: "RM_TOO_LARGE",
		message: /Largest: data\/ \(1\.8 KiB, 2 files\), models\/ \(500 B, 1 file\), pipeline\.yaml/,
		hint: /\.runmeshignore/,
	});
	await checkCodeSize(folder, (path) => path === "data", { files: 100, bytes: 1_000 });
	await expect(checkCodeSize(folder, () => false, { files: 2, bytes: 10_000 })).rejects.toThrow(/limit is 2 files/);
});

test("a link out of the folder is refused, with what to do", async () => {
	symlinkSync("/etc/passwd", join(folder, "secret"));
	const { client } = await startMesh();
	await expect(submitPipeline(client, file, {})).rejects.toMatchObject({
		code: "RM_UNSAFE_PATH",
		hint: /\.runmeshignore/,
	});
});

test("an artifact comes back as it was, and only by a name it has", async () => {
	put("src/a.mjs", "code");
	const { client, runs, artifacts, blobs } = await startMesh();
	await submitPipeline(client, file, {});
	const ref = [...runs.values()][0]?.code;
	artifacts.push({ ...ref, name: "tree", run: "r1", step: "prepare.0" });
	const cache = join(folder, "cache");
	const download = () => downloadArtifact(client, "r1", "prepare.0.tree", join(folder, "got"), cache);
	const { path } = await download();
	expect(path).toBe(join(folder, "got", "tree"));
	expect(readFileSync(join(path, "src/a.mjs"), "utf8")).toBe("code");
	expect(readdirSync(cache)).toEqual([]);
	await expect(downloadArtifact(client, "r1", "prepare.0.tre", folder, cache)).rejects.toMatchObject({
		code: "RM_NOT_FOUND",
		hint: "did you mean `prepare.0.tree`?",
	});
	// Whoever holds the bytes may lie: nothing of it is kept.
	const digest = `sha256:${createHash("sha256").update("code").digest("hex")}`;
	blobs.set(digest, Buffer.from("evil"));
	rmSync(path, { recursive: true });
	await expect(download()).rejects.toMatchObject({ code: "RM_UNAVAILABLE" });
	expect(readdirSync(cache)).toEqual([]);
});

test("an artifact whose manifest leads outside is refused", async () => {
	const { client, artifacts, blobs } = await startMesh();
	const add = (bytes: Uint8Array): string => {
		const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
		blobs.set(digest, Buffer.from(bytes));
		return digest;
	};
	const file = { digest: add(Buffer.from("x")) as never, sizeBytes: 1, executable: false, linkTarget: "" };
	const digest = add(manifestCodec.encode({ singleFile: false, entries: [{ ...file, path: "../escaped" }] }));
	artifacts.push({ name: "tree", digest, sizeBytes: 1, fileCount: 1, holders: [], run: "r1", step: "s" });
	const cache = join(folder, "cache");
	await expect(downloadArtifact(client, "r1", "s.tree", join(folder, "got"), cache)).rejects.toMatchObject({
		code: "RM_UNSAFE_PATH",
	});
});
