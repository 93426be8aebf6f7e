import { afterEach, describe, expect, it } from "vitest";
import type { ServingLimits } from "#agent/serving/limits.ts";
import { tensor } from "#shared/inference/tensor.ts";
import { addModel, loopModel, swellingModel } from "#test/support/onnx-models.ts";
import { hostPids, startTestServing, type TestServing } from "#test/support/serving.ts";

let serving: TestServing;
afterEach(() => serving.close());

const start = async (limits: Partial<ServingLimits> = {}): Promise<void> => {
	serving = await startTestServing(limits);
};

const x = { x: tensor("FP32", [1], [1]) };

/** Keeps the model's process busy for so many rounds; beyond any patience, for good. */
const loop = (rounds: bigint) => serving.infer({ model: "m", inputs: { rounds: tensor("INT64", [1], [rounds]) } });
const FOREVER = 10n ** 15n;

describe("a model's process that ends", () => {
	it("is started again, and requests wait for it", async () => {
		await start();
		await serving.deploy({ artifact: await serving.artifact(addModel(1)) });
		const [pid] = hostPids();
		process.kill(pid as number, "SIGKILL");
		const answers = await Promise.all(Array.from({ length: 8 }, () => serving.infer({ model: "m", inputs: x })));
		for (const { outputs } of answers) expect(outputs.y?.data[0]).toBe(2);
		expect(hostPids()).not.toContain(pid);
	});

	it("runs the request again that it was at", async () => {
		await start();
		await serving.deploy({ artifact: await serving.artifact(loopModel()) });
		const [pid] = hostPids();
		const answer = loop(300_000n);
		await expect.poll(() => hostPids().length).toBe(1);
		process.kill(pid as number, "SIGKILL");
		expect((await answer).outputs.count?.data[0]).toBe(300_000n);
	});

	it("has failed after five ends in a minute, and says how", async () => {
		await start();
		const artifact = await serving.artifact(addModel(1));
		await serving.deploy({ artifact });
		const killed = new Set<number>();
		while (killed.size < 5) {
			await expect.poll(() => hostPids().filter((pid) => !killed.has(pid)).length, { timeout: 20_000 }).toBe(1);
			const pid = hostPids().find((other) => !killed.has(other)) as number;
			process.kill(pid, "SIGKILL");
			killed.add(pid);
		}
		const failed = await serving.change(({ state }) => state === "failed");
		expect(failed.detail).toMatch(/its process ended 5 times in a minute; the last time .*SIGKILL/);
		await expect(serving.infer({ model: "m", inputs: x })).rejects.toThrow(/failed: its process ended 5 times/);
		const again = await serving.deploy({ artifact, revision: 2 });
		expect(again.state).toBe("serving");
	});
});

describe("a model that hangs", () => {
	it("loses its process, and the next request is answered by a new one", async () => {
		await start({ runMs: 500 });
		await serving.deploy({ artifact: await serving.artifact(loopModel()) });
		await expect(loop(FOREVER)).rejects.toThrow(/took longer than 0\.5 s for one run, twice on this request/);
		expect((await loop(5n)).outputs.count?.data[0]).toBe(5n);
	});

	it("lets requests go at their deadline and refuses those the queue has no room for", async () => {
		await start({ queueDepth: 2, deadlineMs: 700 });
		await serving.deploy({ artifact: await serving.artifact(loopModel()) });
		const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => loop(FOREVER)));
		const reasons = outcomes.map((outcome) => (outcome.status === "rejected" ? String(outcome.reason) : "answered"));
		expect(reasons.filter((reason) => reason.includes("no answer within 0.7 s"))).toHaveLength(4);
		expect(reasons.filter((reason) => reason.includes("2 requests wait for m version 1 already"))).toHaveLength(2);
	});
});

describe("validation", () => {
	it("ends a model that takes too long, and says at which check", async () => {
		await start({ validationMs: 2_000 });
		const golden = {
			inputs: { rounds: { datatype: "INT64", shape: [1], data: [Number(FOREVER)] } },
			outputs: { count: { datatype: "INT64", shape: [1], data: [Number(FOREVER)] } },
		};
		const change = await serving.deploy({
			artifact: await serving.artifact(loopModel()),
			golden: await serving.artifact(JSON.stringify(golden)),
		});
		expect(change.state).toBe("failed");
		expect(change.detail).toMatch(/^golden: the process .* took longer than 2 s, which is the limit$/);
	});

	it("ends a small file that takes too much memory", async () => {
		await start({ memoryBytes: 512 * 1024 ** 2 });
		const model = swellingModel(400_000_000);
		expect(model.length).toBeLessThan(1_000);
		const change = await serving.deploy({ artifact: await serving.artifact(model) });
		expect(change.state).toBe("failed");
		expect(change.detail).toMatch(/^run: /);
		expect(change.detail).toMatch(/memory|alloc/i);
	});
});
