import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import protobuf from "protobufjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
const EPOCHS = 6;

interface Layer {
	inputs: number;
	outputs: number;
	weights: Float32Array;
	bias: Float32Array;
}
type Forward = (
	network: { hidden: Layer; output: Layer },
	image: Float32Array,
) => { probabilities: Float32Array<ArrayBuffer> };
interface Dataset {
	pixels: number[];
	labels: number[];
}

let root: string;
let code: string;

/** Runs a step as an agent does: in a copy of the code, outside the repository, knowing the contract alone. */
const runStep = (program: string, { as = program, inputs = {} as Record<string, string>, seed = 7 } = {}) => {
	const at = join(root, as);
	const [outputs, metricsFile] = [join(at, "outputs"), join(at, "metrics.jsonl")];
	mkdirSync(join(at, "inputs"), { recursive: true });
	mkdirSync(outputs);
	writeFileSync(
		join(at, "params.json"),
		JSON.stringify({ params: { epochs: EPOCHS, seed }, matrix: { lr: 0.1, hidden: 32 } }),
	);
	writeFileSync(metricsFile, "");
	for (const [name, target] of Object.entries(inputs)) symlinkSync(target, join(at, "inputs", name));
	const { status, stdout, stderr } = spawnSync(process.execPath, [`${program}.mjs`], {
		cwd: code,
		encoding: "utf8",
		env: {
			PATH: process.env.PATH,
			NODE_PATH: join(repository, "node_modules"),
			RUNMESH_INPUTS: join(at, "inputs"),
			RUNMESH_OUTPUTS: outputs,
			RUNMESH_PARAMS: join(at, "params.json"),
			RUNMESH_METRICS: metricsFile,
		},
	});
	const metrics = readFileSync(metricsFile, "utf8")
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as { name: string; value: number; step: number });
	const lastValue = (name: string) => metrics.findLast((metric) => metric.name === name)?.value;
	return { status, stdout, stderr, outputs, metrics, lastValue };
};

const readJson = <T>(...path: string[]): T => JSON.parse(readFileSync(join(...path), "utf8")) as T;

const loadRuntime = async (): Promise<typeof import("onnxruntime-node")> => {
	process.env.ORT_DISABLE_TELEMETRY = "1";
	return import("onnxruntime-node");
};

const readNetwork = (path: string): { hidden: Layer; output: Layer } => {
	const Model = protobuf.loadSync(join(code, "lib/onnx.proto")).lookupType("onnx.Model");
	const { graph } = Model.toObject(Model.decode(readFileSync(path)), { longs: Number }) as {
		graph: { initializer: { name: string; dims: number[]; rawData: Buffer }[] };
	};
	const tensor = (name: string) => {
		const { dims, rawData } = graph.initializer.find((initializer) => initializer.name === name) ?? expect.fail(name);
		return { dims, values: new Float32Array(Uint8Array.from(rawData).buffer) };
	};
	const layer = (name: string): Layer => {
		const weights = tensor(`${name}.weights`);
		const [inputs = 0, outputs = 0] = weights.dims;
		return { inputs, outputs, weights: weights.values, bias: tensor(`${name}.bias`).values };
	};
	return { hidden: layer("hidden"), output: layer("output") };
};

const prepare = (as: string, seed = 7) => runStep("prepare", { as, seed });

beforeAll(() => {
	root = mkdtempSync(join(tmpdir(), "runmesh-digits-"));
	code = join(root, "code");
	cpSync(join(repository, "examples/digits"), code, { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("prepare", () => {
	it("splits every row into one part, each digit in its share", () => {
		const { status, stdout, stderr, outputs } = prepare("split");
		expect(stderr).toBe("");
		expect(status).toBe(0);
		expect(stdout).toContain("read 1797 rows, dropped 0");
		const parts = [
			join(outputs, "dataset/train.json"),
			join(outputs, "dataset/validation.json"),
			join(outputs, "test.json"),
		].map((path) => readJson<Dataset>(path));
		const images = parts.flatMap(({ pixels, labels }) =>
			labels.map((label, row) => `${pixels.slice(row * 64, row * 64 + 64)},${label}`),
		);
		const original = gunzipSync(readFileSync(join(code, "digits.csv.gz")))
			.toString()
			.trim()
			.split(/\r?\n/)
			.map((line) => line.split(",").map((field, index) => (index < 64 ? Number(field) / 16 : Number(field))));
		expect(images.toSorted()).toEqual(original.map(String).toSorted());
		const heldOut = parts[2]?.labels ?? [];
		expect(Math.abs(heldOut.length - 1797 / 5)).toBeLessThan(5);
		for (let digit = 0; digit < 10; digit++) {
			const all = original.filter((row) => row[64] === digit).length;
			expect(heldOut.filter((label) => label === digit).length).toBe(Math.round(all / 5));
		}
	});

	it("splits the same way for the same seed, and another way for another", () => {
		const splits = [prepare("once"), prepare("twice"), prepare("other", 8)].map(({ outputs }) =>
			readFileSync(join(outputs, "test.json"), "utf8"),
		);
		expect(splits[1]).toBe(splits[0]);
		expect(splits[2]).not.toBe(splits[0]);
	});

	it("drops rows that can't be a digit, and says how many", () => {
		const data = join(code, "digits.csv.gz");
		const original = readFileSync(data);
		const image = Array(64).fill(3).join(",");
		const unsound = [
			`${image}`,
			`${image},10`,
			`${image},x`,
			`17,${image.slice(2)},1`,
			`-1,${image.slice(2)},1`,
			`${image},3,3`,
		];
		try {
			writeFileSync(data, gzipSync(`${gunzipSync(original)}\n${unsound.join("\n")}\n\n${image},4\n`));
			const { stdout, lastValue } = prepare("dirty");
			expect(stdout).toContain("read 1804 rows, dropped 6");
			expect(lastValue("rows")).toBe(1798);
			expect(lastValue("rows_dropped")).toBe(6);
		} finally {
			writeFileSync(data, original);
		}
	});
});

describe("a trial", () => {
	let prepared: ReturnType<typeof runStep>;
	let trained: ReturnType<typeof runStep>;
	let validated: ReturnType<typeof runStep>;

	beforeAll(() => {
		prepared = prepare("prepare");
		trained = runStep("train", { inputs: { dataset: join(prepared.outputs, "dataset") } });
		validated = runStep("validate", {
			inputs: { model: join(trained.outputs, "model.onnx"), test: join(prepared.outputs, "test.json") },
		});
	});

	it("learns, and reports loss and accuracy of every epoch", () => {
		expect(trained.stderr).toBe("");
		expect(trained.status).toBe(0);
		for (const name of ["loss", "accuracy"]) {
			const series = trained.metrics.filter((metric) => metric.name === name);
			expect(series.map(({ step }) => step)).toEqual(Array.from({ length: EPOCHS }, (_, index) => index + 1));
		}
		const losses = trained.metrics.filter(({ name }) => name === "loss").map(({ value }) => value);
		expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 4);
		expect(trained.stdout).toContain(`epoch ${EPOCHS}/${EPOCHS}`);
	});

	it("leaves a model that answers in ONNX Runtime as the network does", async () => {
		const { InferenceSession, Tensor } = await loadRuntime();
		const path = join(trained.outputs, "model.onnx");
		const { forward } = (await import(pathToFileURL(join(code, "lib/mlp.mjs")).href)) as { forward: Forward };
		const network = readNetwork(path);
		const { pixels, labels } = readJson<Dataset>(prepared.outputs, "test.json");
		const session = await InferenceSession.create(path);
		expect(session.inputNames).toEqual(["pixels"]);
		expect(session.outputNames).toEqual(["probabilities", "digit"]);
		const whole = await session.run({ pixels: new Tensor("float32", pixels, [labels.length, 64]) });
		expect(whole.probabilities?.dims).toEqual([labels.length, 10]);
		expect(whole.digit?.dims).toEqual([labels.length]);
		for (const row of [0, 1, labels.length - 1]) {
			const image = Float32Array.from(pixels.slice(row * 64, row * 64 + 64));
			const alone = await session.run({ pixels: new Tensor("float32", image, [1, 64]) });
			const expected = forward(network, image).probabilities;
			for (let digit = 0; digit < 10; digit++) {
				expect(alone.probabilities?.data[digit]).toBeCloseTo(expected[digit] ?? Number.NaN, 5);
				expect(whole.probabilities?.data[row * 10 + digit]).toBeCloseTo(expected[digit] ?? Number.NaN, 5);
			}
			expect(Number(alone.digit?.data[0])).toBe(expected.indexOf(Math.max(...expected)));
		}
	});

	it("is measured on the held-out rows, with golden vectors that the model gives", async () => {
		expect(validated.stderr).toBe("");
		expect(validated.status).toBe(0);
		const test = readJson<Dataset>(prepared.outputs, "test.json");
		const heldOut = readJson<Dataset & { answers: number[] }>(validated.outputs, "heldout.json");
		expect(heldOut.pixels).toEqual(test.pixels);
		expect(heldOut.labels).toEqual(test.labels);
		const right = heldOut.answers.filter((answer, row) => answer === heldOut.labels[row]).length;
		expect(validated.lastValue("accuracy")).toBe(right / heldOut.labels.length);
		expect(validated.lastValue("worst_recall")).toBeGreaterThan(0.5);
		expect(validated.lastValue("latency_p99_ms")).toBeGreaterThan(0);

		const { InferenceSession, Tensor } = await loadRuntime();
		const golden = readJson<{
			inputs: { pixels: { datatype: string; shape: number[]; data: number[] } };
			outputs: { probabilities: { datatype: string; shape: number[]; data: number[] } };
			tolerance: { absolute: number; relative: number };
		}>(validated.outputs, "golden.json");
		const { pixels } = golden.inputs;
		const { probabilities } = golden.outputs;
		expect([pixels.datatype, probabilities.datatype]).toEqual(["FP32", "FP32"]);
		expect(probabilities.shape).toEqual([pixels.shape[0], 10]);
		const session = await InferenceSession.create(join(trained.outputs, "model.onnx"));
		const answer = await session.run({ pixels: new Tensor("float32", pixels.data, pixels.shape) });
		const { absolute, relative } = golden.tolerance;
		probabilities.data.forEach((expected, index) => {
			const difference = Math.abs(Number(answer.probabilities?.data[index]) - expected);
			expect(difference).toBeLessThanOrEqual(absolute + relative * Math.abs(expected));
		});
	});

	it("says what is missing when it is run without its environment", () => {
		const { status, stderr } = spawnSync(process.execPath, ["prepare.mjs"], {
			cwd: code,
			encoding: "utf8",
			env: { PATH: process.env.PATH },
		});
		expect(status).not.toBe(0);
		expect(stderr).toContain("RUNMESH_PARAMS is not set");
	});
});
