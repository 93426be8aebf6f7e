import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { resolveContext } from "#cli/context.ts";
import { type InferOptions, infer } from "#cli/lib/infer.ts";
import type { DeploymentView } from "#shared/api.ts";
import { headerLengthName, splitMessage } from "#shared/inference/message.ts";
import { decodeTensor } from "#shared/inference/tensor.ts";
import { readBody, sendJson, startTinyHttp } from "#test/support/tiny-http.ts";

/** Coordinator and replica in one, beside replicas that nobody can reach: its model "twice" doubles what it gets. */
const startReplica = async () => {
	const server = await startTinyHttp(async (request, response) => {
		const path = request.url ?? "";
		if (request.headers.authorization !== "Bearer secret") return sendJson(response, 401, { error: "no token" });
		if (path === "/api/v1/deployments") return sendJson(response, 200, [deployment]);
		if (request.method === "GET") {
			return sendJson(response, 200, { name: "twice", inputs: [{ name: "x", datatype: "FP32", shape: [-1, 2] }] });
		}
		const { json, binary } = splitMessage(await readBody(request), String(request.headers[headerLengthName]), 1e6);
		const [input] = json.inputs as { shape: number[] }[];
		const { data } = decodeTensor("FP32", input?.shape ?? [], binary, "x");
		const outputs = [
			{ name: "y", datatype: "FP32", shape: input?.shape, data: Array.from(data as Float32Array, (v) => 2 * v) },
		];
		sendJson(response, 200, { model_name: "twice", model_version: path.includes("/versions/3/") ? "3" : "4", outputs });
	});
	onTestFinished(() => server.stop());
	const replica = { agent: "lab-1", version: 3, state: "serving" as const, detail: "", endpoint: server.url };
	const deployment: DeploymentView = {
		name: "twice",
		model: "twice",
		version: 3,
		revision: 1,
		run: "r0",
		replicas: [
			{ ...replica, agent: "lab-0", state: "loading", endpoint: "http://127.0.0.1:1" },
			{ ...replica, agent: "gone", version: 2, endpoint: "http://127.0.0.1:1" },
			{ ...replica, agent: "dead", endpoint: "http://127.0.0.1:1" },
			replica,
		],
	};
	return server.url;
};

const ask = async (model: string, options: InferOptions, output: "human" | "json" = "human"): Promise<string> => {
	const stdout = new PassThrough();
	const around = { env: {}, stdout, stderr: new PassThrough() };
	await infer(await resolveContext({ url: await startReplica(), token: "secret", output }, around), model, options);
	stdout.end();
	return text(stdout);
};

test("an answer for people, and one for programs", async () => {
	expect(await ask("twice", { input: { x: "[1, 2.5]" } })).toBe("y  FP32 [1,2]  2 5\n");
	expect(JSON.parse(await ask("twice", { input: { x: "[[1, 2], [3, 4]]" }, version: 3 }, "json"))).toEqual({
		model: "twice",
		version: "3",
		outputs: [{ name: "y", datatype: "FP32", shape: [2, 2], data: [2, 4, 6, 8] }],
	});
});

test("inputs come from files too: values by name, or a V2 request", async () => {
	const folder = mkdtempSync(join(tmpdir(), "runmesh-infer-"));
	onTestFinished(() => rmSync(folder, { recursive: true }));
	const put = (name: string, value: unknown): string => {
		writeFileSync(join(folder, name), JSON.stringify(value));
		return join(folder, name);
	};
	expect(await ask("twice", { input: { x: `@${put("x.json", [1, 1])}` } })).toContain("2 2");
	expect(await ask("twice", { json: put("plain.json", { x: [1, 2] }) })).toContain("2 4");
	const request = { inputs: [{ name: "x", shape: [1, 2], datatype: "FP32", data: [3, 4] }] };
	expect(await ask("twice", { json: put("v2.json", request) })).toContain("6 8");
});

test("what can't be asked is said before anything is sent", async () => {
	await expect(ask("twcie", { input: { x: "[1]" } })).rejects.toMatchObject({ hint: "did you mean `twice`?" });
	await expect(ask("twice", {})).rejects.toMatchObject({ message: "no input was given" });
	await expect(ask("twice", { input: { x: "[1,]" } })).rejects.toMatchObject({ message: /--input x is no JSON/ });
	await expect(ask("twice", { input: { x: "[1,2]" }, version: 9 })).rejects.toMatchObject({
		code: "RM_UNAVAILABLE",
		message:
			"no replica serves twice version 9 now (lab-0: version 3 loading, gone: version 2 serving, dead: version 3 serving, lab-1: version 3 serving)",
	});
	await expect(ask("twice", { input: { x: "[1,2]" }, version: 2 })).rejects.toMatchObject({
		code: "RM_UNAVAILABLE",
		message: /^no replica of twice can be reached \(gone at http:.*ECONNREFUSED/,
	});
});
