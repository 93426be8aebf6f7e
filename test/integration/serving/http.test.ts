import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Datatype } from "#shared/inference/datatype.ts";
import { type Tensor, tensor } from "#shared/inference/tensor.ts";
import type { ElementType } from "#shared/onnx/element-type.ts";
import { writeModel } from "#shared/onnx/write.ts";
import { addModel, identityModel } from "#test/support/onnx-models.ts";
import { replicaOf, startTestServing, type TestServing, testToken } from "#test/support/serving.ts";

const KIB = 1024;
let serving: TestServing;

const call = async (path: string, init: RequestInit = {}) => {
	const response = await fetch(`${serving.endpoint}${path}`, {
		...init,
		headers: { authorization: `Bearer ${testToken}`, ...init.headers },
	});
	const text = await response.text();
	return { status: response.status, headers: response.headers, json: text === "" ? null : JSON.parse(text) };
};

const infer = (body: unknown, headers: Record<string, string> = {}, model = "add") =>
	call(`/v2/models/${model}/infer`, {
		method: "POST",
		headers,
		body: typeof body === "string" ? body : JSON.stringify(body),
	});

const types: [Datatype, ElementType, (number | bigint | string)[]][] = [
	["BOOL", "bool", [1, 0]],
	["INT8", "int8", [-128, 127]],
	["INT16", "int16", [-32768, 32767]],
	["INT32", "int32", [-(2 ** 31), 2 ** 31 - 1]],
	["INT64", "int64", [-(2n ** 53n) + 1n, 2n ** 53n - 1n]],
	["UINT8", "uint8", [0, 255]],
	["UINT16", "uint16", [0, 65535]],
	["UINT32", "uint32", [0, 2 ** 32 - 1]],
	["UINT64", "uint64", [0, 2n ** 53n - 1n]],
	["FP16", "float16", [0.5, -65504]],
	["FP32", "float32", [0.10000000149011612, -1e30]],
	["FP64", "float64", [0.1, 1e300]],
	["BYTES", "string", ["", "naïve ☃"]],
];

beforeAll(async () => {
	serving = await startTestServing({ bodyBytes: 512 * KIB, jsonBytes: 64 * KIB });
	const replicas = [
		replicaOf({ deployment: "add", model: "add", version: 3, artifact: await serving.artifact(addModel(1)) }),
	];
	for (const [datatype, type] of types) {
		const artifact = await serving.artifact(identityModel(type));
		replicas.push(replicaOf({ deployment: datatype, model: datatype, artifact }));
	}
	const gather = writeModel({
		inputs: [{ name: "at", type: "int64", shape: ["n"] }],
		outputs: [{ name: "y", type: "float32", shape: ["n"] }],
		initializers: [{ name: "table", type: "float32", dims: [2], data: Float32Array.of(10, 20) }],
		nodes: [{ operator: "Gather", inputs: ["table", "at"], outputs: ["y"] }],
	});
	replicas.push(replicaOf({ deployment: "gather", model: "gather", artifact: await serving.artifact(gather) }));
	serving.reconcile({ replicas });
	for (const { deployment } of replicas) {
		const change = await serving.change((other) => other.deployment === deployment && other.state !== "loading");
		expect(change.detail).toMatch(/^cpu/);
	}
});
afterAll(() => serving.close());

describe("the V2 protocol", () => {
	it("tells of the server", async () => {
		expect((await call("/v2")).json).toMatchObject({ name: "runmesh", extensions: ["binary_tensor_data"] });
		for (const health of ["live", "ready"]) {
			const open = await fetch(`${serving.endpoint}/v2/health/${health}`);
			expect(open.status).toBe(200);
		}
	});

	it("tells of a model, with and without its version", async () => {
		const expected = {
			name: "add",
			versions: ["3"],
			platform: "onnxruntime_onnx",
			inputs: [{ name: "x", datatype: "FP32", shape: [-1] }],
			outputs: [{ name: "y", datatype: "FP32", shape: [-1] }],
		};
		for (const path of ["/v2/models/add", "/v2/models/add/versions/3"]) {
			expect((await call(path)).json).toEqual(expected);
			expect((await call(`${path}/ready`)).json).toEqual({ name: "add", ready: true });
		}
	});

	it("answers in JSON, id and all", async () => {
		const inputs = [{ name: "x", datatype: "FP32", shape: [2], data: [1, 2.5] }];
		const { status, headers, json } = await infer({ id: "42", inputs });
		expect(status).toBe(200);
		expect(headers.get("content-type")).toContain("application/json");
		expect(json).toEqual({
			model_name: "add",
			model_version: "3",
			id: "42",
			outputs: [{ name: "y", datatype: "FP32", shape: [2], data: [2, 3.5] }],
		});
	});

	it.each(types)("carries %s alike in JSON and in binary", async (datatype, _, values) => {
		const x = tensor(datatype, [values.length], values) as Tensor;
		const binary = await serving.infer({ model: datatype, inputs: { x } });
		const json = await serving.infer({ model: datatype, inputs: { x }, binary: false });
		expect(binary.outputs.y).toEqual(x);
		expect(json.outputs.y).toEqual(x);
	});

	it("carries empty tensors, and all digits of 64 bits in binary", async () => {
		const empty = await serving.infer({ model: "FP32", inputs: { x: tensor("FP32", [0], []) } });
		expect(empty.outputs.y).toEqual(tensor("FP32", [0], []));
		const wide = tensor("INT64", [2], [-(2n ** 63n), 2n ** 63n - 1n]);
		expect((await serving.infer({ model: "INT64", inputs: { x: wide } })).outputs.y).toEqual(wide);
	});

	it("names a value that JSON can't carry", async () => {
		const x = tensor("FP32", [2], [1, Number.NaN]);
		const { outputs } = await serving.infer({ model: "FP32", inputs: { x } });
		expect(outputs.y?.data).toEqual(Float32Array.of(1, Number.NaN));
		const json = Buffer.from(
			JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape: [1], parameters: { binary_data_size: 4 } }] }),
		);
		const response = await fetch(`${serving.endpoint}/v2/models/FP32/infer`, {
			method: "POST",
			headers: { authorization: `Bearer ${testToken}`, "inference-header-content-length": String(json.length) },
			body: Buffer.concat([json, Buffer.from(Float32Array.of(Number.NaN).buffer)]),
		});
		expect(response.status).toBe(400);
		expect(await response.json()).toEqual({
			error:
				"output `y`: element 0 is NaN, which JSON can't carry: ask for binary outputs: parameters.binary_data_output = true",
		});
	});
});

describe("a request that is wrong", () => {
	const x = { name: "x", datatype: "FP32", shape: [1], data: [1] };

	it.each(["/v2", "/v2/models/add", "/v2/models/add/infer", "/v2/health/live/../../models/add", "/nowhere"])(
		"gets 401 at %s without a token",
		async (path) => {
			for (const headers of [{}, { authorization: "Bearer wrong" }, { authorization: testToken }]) {
				const response = await fetch(`${serving.endpoint}${path}`, { headers });
				expect(response.status).toBe(401);
				expect(await response.json()).toEqual({ error: expect.stringContaining("no valid token") });
			}
		},
	);

	it("gets 404 for what is not served, with what is", async () => {
		const missing = await infer({ inputs: [x] }, {}, "nope");
		expect(missing.status).toBe(404);
		expect(missing.json.error).toMatch(/model `nope` is not served here; served: `add` version 3, /);
		expect((await call("/v2/models/add/versions/4")).json.error).toMatch(/model `add` version 4 is not served here/);
		expect(await call("/v2/modells")).toMatchObject({
			status: 404,
			json: { error: "there is no GET /v2/modells here" },
		});
	});

	it("gets 400 and what was expected", async () => {
		expect(await infer({ inputs: [{ ...x, shape: [2] }] })).toMatchObject({
			status: 400,
			json: { error: "input `x`: 1 elements of data, expected 2 elements for shape [2]" },
		});
		for (const body of ["", "{", "[]", "\0\0"]) {
			const { status, json } = await infer(body);
			expect([status, typeof json.error]).toEqual([400, "string"]);
		}
	});

	it("gets 400 where only the runtime finds out, and the model serves on", async () => {
		const index = (at: number) => ({ inputs: [{ name: "at", datatype: "INT64", shape: [1], data: [at] }] });
		const wrong = await infer(index(9), {}, "gather");
		expect(wrong.status).toBe(400);
		expect(wrong.json.error).toMatch(/^gather version 1 could not run this request: .*Gather/);
		expect((await infer(index(1), {}, "gather")).json.outputs[0].data).toEqual([20]);
	});

	it("gets 413 over the limits, before anything is read of it", async () => {
		const body = await infer("x".repeat(513 * KIB));
		expect(body).toMatchObject({ status: 413, json: { error: `the body is over the limit of ${512 * KIB} bytes` } });
		const json = await infer({ inputs: [x], id: "x".repeat(65 * KIB) });
		expect(json.status).toBe(413);
		expect(json.json.error).toMatch(/bytes of JSON, the limit is 65536: send large tensors as binary data/);
	});

	it("gets 415 with an encoding", async () => {
		expect((await infer({ inputs: [x] }, { "content-encoding": "gzip" })).status).toBe(415);
	});

	it("does no harm as bytes that are no HTTP", async () => {
		const { port } = new URL(serving.endpoint);
		for (const bytes of ["\0\0\0\0", "GET / HTTP/9.9\r\n\r\n", "POST /v2 HTTP/1.1\r\ncontent-length: -1\r\n\r\n"]) {
			await new Promise<void>((resolve) => {
				const socket = connect(Number(port), "127.0.0.1", () => socket.end(bytes));
				socket
					.on("close", () => resolve())
					.on("error", () => {})
					.resume();
			});
		}
		expect((await infer({ inputs: [x] })).status).toBe(200);
	});
});

it("says 503 while a model loads", async () => {
	let arrive = (): void => {};
	const fetched = new Promise<void>((resolve) => {
		arrive = resolve;
	});
	const other = await startTestServing();
	try {
		await other.restart({ fetch: () => fetched });
		const artifact = await other.artifact(addModel(1));
		other.reconcile({ replicas: [replicaOf({ artifact })] });
		const ready = await fetch(`${other.endpoint}/v2/health/ready`);
		expect([ready.status, await ready.json()]).toEqual([503, { ready: false }]);
		const headers = { authorization: `Bearer ${testToken}` };
		const response = await fetch(`${other.endpoint}/v2/models/m/ready`, { headers });
		expect([response.status, response.headers.get("retry-after")]).toEqual([503, "2"]);
		expect(await response.json()).toEqual({ error: "model `m` is loading" });
		arrive();
		await other.change(({ state }) => state === "serving");
		expect((await fetch(`${other.endpoint}/v2/health/ready`)).status).toBe(200);
	} finally {
		await other.close();
	}
});
