import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { refusal } from "#agent/serving/validation/report.ts";
import { validateModel } from "#agent/serving/validation/validate.ts";
import { seededRandom } from "#shared/random.ts";
import { loopModel, mlpModel } from "#test/support/onnx-models.ts";

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "runmesh-hostile-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const validate = async (name: string, bytes: Uint8Array) => {
	const modelPath = join(folder, `${name}.onnx`);
	await writeFile(modelPath, bytes);
	return validateModel({
		modelPath,
		root: folder,
		goldenPath: null,
		timeMs: 30_000,
		memoryBytes: 1024 ** 3,
		nowMs: Date.now,
	});
};

const mutate = (bytes: Uint8Array, seed: number): Uint8Array => {
	const random = seededRandom(seed);
	const mutant = Uint8Array.from(bytes);
	for (let count = 1 + random.below(8); count > 0; count--) mutant[random.below(mutant.length)] = random.below(256);
	return random.below(5) === 0 ? mutant.subarray(0, random.below(mutant.length)) : mutant;
};

it("200 mutated models are refused or pass, and the parent goes on", { timeout: 240_000 }, async () => {
	const originals = [mlpModel(1, 4, 3, 2).bytes, loopModel()];
	const seeds = Array.from({ length: 200 }, (_, seed) => seed);
	const outcomes = { ok: 0, refused: 0 };
	const worker = async (): Promise<void> => {
		for (let seed = seeds.pop(); seed !== undefined; seed = seeds.pop()) {
			const report = await validate(`mutant-${seed}`, mutate(originals[seed % 2] as Uint8Array, seed));
			outcomes[report.ok ? "ok" : "refused"]++;
			if (!report.ok) expect(refusal(report)).toMatch(/^[a-z ]+: ./);
		}
	};
	await Promise.all([worker(), worker(), worker()]);
	expect(outcomes.ok + outcomes.refused).toBe(200);
	expect(outcomes.refused).toBeGreaterThan(50);
});

it("a process that dies is told with the check it was at", async () => {
	const modelPath = join(folder, "good.onnx");
	await writeFile(modelPath, mlpModel(1).bytes);
	const report = await validateModel({
		modelPath,
		root: folder,
		goldenPath: null,
		timeMs: 30_000,
		// Less than the runtime itself takes.
		memoryBytes: 1024 ** 2,
		nowMs: Date.now,
	});
	expect(refusal(report)).toMatch(
		/^[a-z ]+: the process that looked into the model grew to \d+ MiB of memory, the limit is 1 MiB$/,
	);
});

it("is given up when nobody wants it any more", async () => {
	const abort = new AbortController();
	const validation = validateModel({
		modelPath: join(folder, "absent.onnx"),
		root: folder,
		goldenPath: null,
		timeMs: 30_000,
		memoryBytes: 1024 ** 3,
		signal: abort.signal,
		nowMs: Date.now,
	});
	abort.abort(new Error("superseded"));
	await expect(validation).rejects.toThrow("superseded");
});
