import { access, readdir, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ValidationReport } from "#agent/serving/validation/report.ts";
import { tensor } from "#shared/inference/tensor.ts";
import { writeModel } from "#shared/onnx/write.ts";
import { addModel, mlpModel } from "#test/support/onnx-models.ts";
import { hostPids, replicaOf, startTestServing, type TestServing } from "#test/support/serving.ts";

let serving: TestServing;
beforeEach(async () => {
	serving = await startTestServing();
});
afterEach(() => serving.close());

const one = { x: tensor("FP32", [1], [1]) };

const ask = async (model = "m"): Promise<number> =>
	Number((await serving.infer({ model, inputs: one })).outputs.y?.data[0]);

const goldenOf = (rows: Float32Array, expected: Float32Array, more: object = {}): string => {
	const count = rows.length / 64;
	return JSON.stringify({
		inputs: { x: { datatype: "FP32", shape: [count, 64], data: [...rows] } },
		outputs: { y: { datatype: "FP32", shape: [count, 10], data: [...expected] } },
		...more,
	});
};

const rows = Float32Array.from({ length: 4 * 64 }, (_, index) => Math.sin(index));

describe("a desired replica", () => {
	it("is validated, loaded and answers alike in JSON and in binary", async () => {
		const mlp = mlpModel(1);
		const change = await serving.deploy({
			model: "digits",
			artifact: await serving.artifact(mlp.bytes),
			golden: await serving.artifact(goldenOf(rows, mlp.predict(rows))),
		});
		expect(change).toMatchObject({ state: "serving", endpoint: serving.endpoint, revision: 1 });
		expect(change.detail).toMatch(/^cpu, loads in \d+ ms, peak \d+ MiB; golden: 40 values, largest difference \S+$/);
		expect(serving.statuses()).toEqual([change]);

		const inputs = { x: tensor("FP32", [4, 64], rows) };
		const binary = await serving.infer({ model: "digits", inputs, id: "a" });
		const json = await serving.infer({ model: "digits", inputs, binary: false });
		expect(binary).toMatchObject({ model: "digits", version: "1", id: "a", outputs: { y: { shape: [4, 10] } } });
		expect(json.outputs).toEqual(binary.outputs);
		for (const [index, value] of mlp.predict(rows).entries()) {
			expect(binary.outputs.y?.data[index]).toBeCloseTo(value, 4);
		}
	});

	it("is refused with the numbers where golden vectors differ, and the report stays beside the model", async () => {
		const mlp = mlpModel(2);
		const wrong = mlp.predict(rows);
		wrong[3 * 10 + 7] = (wrong[3 * 10 + 7] as number) + 0.31;
		const artifact = await serving.artifact(mlp.bytes);
		const change = await serving.deploy({ artifact, golden: await serving.artifact(goldenOf(rows, wrong)) });
		expect(change.state).toBe("failed");
		expect(change.detail).toMatch(
			/^golden: output `y` differs by 0\.31 at \[3,7\] \(\S+, expected \S+\), tolerance 0\.0001 \+ 0\.0001 relative$/,
		);

		const folder = join(serving.dataDir, "models", artifact.digest.slice("sha256:".length));
		const [name = ""] = (await readdir(folder)).filter((file) => file.startsWith("validation-"));
		const report = JSON.parse(await readFile(join(folder, name), "utf8")) as ValidationReport;
		expect(report).toMatchObject({ ok: false, provider: "cpu" });
		expect(report.runtime).toMatch(/^onnxruntime-node \d/);
		expect(report.checks.map((check) => [check.name, check.ok])).toEqual([
			["parse", true],
			["opset", true],
			["operators", true],
			["inputs", true],
			["outputs", true],
			["external data", true],
			["session", true],
			["golden", false],
		]);

		await expect(ask()).rejects.toThrow(/failed: golden: output `y` differs by 0\.31/);
	});

	it("keeps to the tolerance of the golden file", async () => {
		const mlp = mlpModel(2);
		const near = mlp.predict(rows).map((value) => value + 0.05);
		const golden = await serving.artifact(goldenOf(rows, near, { tolerance: { absolute: 0.1, relative: 0 } }));
		const change = await serving.deploy({ artifact: await serving.artifact(mlp.bytes), golden });
		expect(change.state).toBe("serving");
	});

	it("may be a folder with external data and be named by the one .onnx in it", async () => {
		const weights = Float32Array.of(0, 0, 10, 20);
		const model = writeModel({
			inputs: [{ name: "x", type: "float32", shape: [2] }],
			outputs: [{ name: "y", type: "float32", shape: [2] }],
			initializers: [
				{ name: "c", type: "float32", dims: [2], data: { location: "data/weights.bin", offset: 8, length: 8 } },
			],
			nodes: [{ operator: "Add", inputs: ["x", "c"], outputs: ["y"] }],
		});
		const artifact = await serving.artifact({
			"net/model.onnx": model,
			"net/data/weights.bin": new Uint8Array(weights.buffer),
			"readme.txt": "the weights are elsewhere",
		});
		const change = await serving.deploy({ artifact });
		expect(change.detail).toMatch(/^cpu/);
		const answer = await serving.infer({ model: "m", inputs: { x: tensor("FP32", [2], [1, 2]) } });
		expect(answer.outputs.y?.data).toEqual(Float32Array.of(11, 22));
	});

	it.each([
		["no model", { "a.txt": "" }, /must hold exactly one \.onnx file, it holds none/],
		["two models", { "a.onnx": "", "b/c.onnx": "" }, /exactly one \.onnx file, it holds (a|b\/c)\.onnx, /],
		["another format", { "a.onnx": "PK\u0003\u0004" }, /^parse: no ONNX model/],
	])("is refused where the artifact holds %s", async (_, files, expected) => {
		const change = await serving.deploy({ artifact: await serving.artifact(files as Record<string, string>) });
		expect(change.state).toBe("failed");
		expect(change.detail).toMatch(expected);
	});

	it("is served once, however often the same state comes", async () => {
		const artifact = await serving.artifact(addModel(1));
		await serving.deploy({ artifact });
		const [pid] = hostPids();
		for (let times = 0; times < 5; times++) serving.reconcile({ replicas: [replicaOf({ artifact })] });
		await serving.deploy({ artifact, revision: 2 });
		expect(hostPids()).toEqual([pid]);
		expect(serving.changes.map(({ state, revision }) => [state, revision])).toEqual([
			["loading", 1],
			["serving", 1],
			["serving", 2],
		]);
	});

	it("ends its process and frees its disk when it is desired no more", async () => {
		const artifact = await serving.artifact(addModel(1));
		await serving.deploy({ artifact });
		expect(hostPids()).toHaveLength(1);
		serving.reconcile({ replicas: [] });
		await expect(ask()).rejects.toThrow(/`m` is not served here; served: none/);
		await expect.poll(hostPids).toEqual([]);
		const folder = join(serving.dataDir, "models", artifact.digest.slice("sha256:".length));
		await expect
			.poll(() =>
				access(folder).then(
					() => true,
					() => false,
				),
			)
			.toBe(false);
		expect(serving.statuses()).toEqual([]);
	});

	it("comes up again with nobody else there, from what is on disk", async () => {
		const artifact = await serving.artifact(addModel(1));
		await serving.deploy({ artifact });
		await serving.restart({ fetch: () => Promise.reject(new Error("nobody is there")) });
		const change = await serving.deploy({ artifact });
		expect(change.state).toBe("serving");
		expect(await ask()).toBe(2);
	});

	it("tries again where fetching fails for now", async () => {
		const artifact = await serving.artifact(addModel(1));
		let tries = 0;
		const { RunmeshError } = await import("#shared/errors.ts");
		await serving.restart({
			fetch: async () => {
				if (++tries < 3) throw new RunmeshError("RM_UNAVAILABLE", "nobody is there");
			},
		});
		expect((await serving.deploy({ artifact })).state).toBe("serving");
		expect(tries).toBe(3);
	});
});

describe("a new version", () => {
	it("takes over under constant requests without one that fails", async () => {
		await serving.deploy({ artifact: await serving.artifact(addModel(1)) });
		const seen = new Set<number>();
		const failures: unknown[] = [];
		let going = true;
		const client = async (): Promise<void> => {
			while (going)
				await ask().then(
					(value) => seen.add(value),
					(error) => failures.push(error),
				);
		};
		const clients = [client(), client(), client(), client()];
		for (const version of [2, 3]) {
			await serving.deploy({ artifact: await serving.artifact(addModel(version)), version, revision: version });
			await expect.poll(() => seen.has(1 + version)).toBe(true);
		}
		going = false;
		await Promise.all(clients);
		expect(failures).toEqual([]);
		expect([...seen]).toEqual([2, 3, 4]);
		await expect.poll(hostPids).toHaveLength(1);
	});

	it("leaves the old one serving where it is refused", async () => {
		await serving.deploy({ artifact: await serving.artifact(addModel(1)) });
		const bad = await serving.deploy({ artifact: await serving.artifact("junk"), version: 2, revision: 2 });
		expect(bad.state).toBe("failed");
		expect(await ask()).toBe(2);
		expect(serving.statuses().map(({ version, state, revision }) => [version, state, revision])).toEqual([
			[1, "serving", 1],
			[2, "failed", 2],
		]);
	});

	it("is the last one desired, not the last one started", async () => {
		const artifacts = await Promise.all([1, 2, 3].map((constant) => serving.artifact(addModel(constant))));
		for (const [index, artifact] of artifacts.entries()) {
			const version = index + 1;
			serving.reconcile({ replicas: [replicaOf({ artifact, version, revision: version })] });
		}
		await serving.change(({ state }) => state === "serving");
		expect(await ask()).toBe(4);
		expect(serving.changes.filter(({ state }) => state === "serving").map(({ version }) => version)).toEqual([3]);
		await expect.poll(hostPids).toHaveLength(1);
	});
});

it("serves several models, each by its own name", async () => {
	const replicas = [];
	for (const [index, name] of ["a", "b"].entries()) {
		const artifact = await serving.artifact(addModel(index + 1));
		replicas.push(replicaOf({ deployment: name, model: name, artifact }));
	}
	serving.reconcile({ replicas });
	for (const name of ["a", "b"]) {
		await serving.change(({ deployment, state }) => deployment === name && state === "serving");
	}
	expect(await Promise.all([ask("a"), ask("b")])).toEqual([2, 3]);
});

it("names a port that is in use", async () => {
	const other = createServer();
	await new Promise<void>((resolve) => void other.listen(0, "127.0.0.1", resolve));
	const { port } = other.address() as { port: number };
	await expect(serving.restart({ port })).rejects.toMatchObject({ code: "RM_PORT_IN_USE" });
	await new Promise((resolve) => other.close(resolve));
	await serving.restart();
});

it("names the address that others reach it at, whatever it listens on", async () => {
	await serving.restart({ host: "0.0.0.0", advertise: "lab-7" });
	expect(serving.endpoint).toMatch(/^http:\/\/lab-7:\d+$/);
	const change = await serving.deploy({ artifact: await serving.artifact(addModel(1)) });
	expect(change).toMatchObject({ state: "serving", endpoint: serving.endpoint });
});
