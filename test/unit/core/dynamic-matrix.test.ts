// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests
import { expect } from "vitest";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { type StoryMesh, story, when } from "#test/support/story-mesh.ts";

const prepare = stepOf("prepare", { outputs: { shards: "s" }, values: ["shards"] });
const shards = { step: "prepare", output: "shards" };
const train = (changes: Partial<StepDefinition> = {}) =>
	stepOf("train", { needs: ["prepare"], matrix: { shard: shards }, ...changes });

const prepared = (mesh: StoryMesh, value: unknown, ...steps: StepDefinition[]) => {
	mesh.agent("a1", 16);
	const run = mesh.submit(pipelineOf(prepare, ...steps));
	mesh.finish(mesh.takeTask("prepare"), "succeeded", { values: { shards: value } });
	return run;
};

const matrixOf = (mesh: StoryMesh, key: string): unknown => JSON.parse(mesh.takeTask(key).paramsJson).matrix;

story("a list of values becomes cells", (mesh) => {
	const run = prepared(mesh, ["x", 2, true], train(), stepOf("after", { needs: ["train"] }));
	expect(Object.keys(mesh.steps(run))).not.toContain("train");
	const cells = ["train.0", "train.1", "train.2"].map((key) => mesh.takeTask(key));
	expect(cells.map(({ paramsJson }) => JSON.parse(paramsJson).matrix.shard)).toEqual(["x", 2, true]);
	for (const cell of cells) {
		expect(mesh.steps(run).after).toBe("waiting");
		mesh.finish(cell);
	}
	mesh.finish(mesh.takeTask("after"));
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("until its source has succeeded it is one step that waits", (mesh) => {
	mesh.agent("a1");
	const run = mesh.submit(pipelineOf(prepare, train(), stepOf("after", { needs: ["train"] })));
	expect(mesh.steps(run)).toEqual({ prepare: "leased", train: "waiting", after: "waiting" });
	mesh.finish(mesh.takeTask("prepare"), "failed");
	expect(mesh.settled(run)).toEqual({ prepare: "failed", train: "skipped", after: "skipped" });
});

story("mappings, and a product with an axis that is known before", (mesh) => {
	const list = [
		{ site: "lab", size: 1 },
		{ site: "roof", size: 2 },
	];
	prepared(mesh, list, train({ matrix: { shard: shards, seed: [7, 8] } }));
	expect(["train.0", "train.1", "train.2", "train.3"].map((key) => matrixOf(mesh, key))).toEqual([
		{ shard: list[0], seed: 7 },
		{ shard: list[0], seed: 8 },
		{ shard: list[1], seed: 7 },
		{ shard: list[1], seed: 8 },
	]);
});

story("an empty list skips the step, and what stands behind it", (mesh) => {
	const run = prepared(mesh, [], train(), stepOf("after", { needs: ["train"] }));
	expect(mesh.settled(run)).toEqual({ prepare: "succeeded", train: "skipped", after: "skipped" });
	expect(mesh.word(run, "train")).toBe("its matrix is empty");
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("what is no list fails the step, saying what it is", (mesh) => {
	const run = prepared(mesh, "three", train(), stepOf("after", { needs: ["train"] }));
	expect(mesh.word(run, "train")).toBe("input: matrix.shard: prepare.shards is text, expected a JSON list");
	expect(mesh.settled(run).after).toBe("skipped");
	expect(mesh.outcome(run)).toBe("failed");
});

story("a list that makes too many cells fails the step", (mesh) => {
	const many = Array.from({ length: 5_001 }, (_, index) => index);
	const run = prepared(mesh, many, train({ matrix: { shard: shards, seed: [1, 2] } }));
	expect(mesh.word(run, "train")).toContain("10002 cells");
});

story("cells that lack what their group is named by fail the step", (mesh) => {
	const concurrency = { group: "gpu-${{ matrix.shard.gpu }}", max: 1, cancelInProgress: false };
	const run = prepared(mesh, [{ size: 1 }], train({ concurrency }));
	expect(mesh.word(run, "train")).toContain("matrix.shard.gpu");
	expect(mesh.outcome(run)).toBe("failed");
});

story("select chooses among cells that came late, and a condition may ask for each of them", (mesh) => {
	const best = stepOf("best", {
		needs: ["train"],
		action: { kind: "select", from: "train", metric: "loss", mode: "min" },
		...when("always()"),
	});
	const run = prepared(mesh, [1, 2, 3], train({ outputs: { model: "m" }, ...when("matrix.shard > 1") }), best);
	expect(mesh.steps(run)).toMatchObject({ "train.0": "skipped", best: "waiting" });
	for (const [key, value] of [
		["train.1", 0.5],
		["train.2", 0.2],
	] as const) {
		mesh.finish(mesh.takeTask(key), "succeeded", { metrics: [{ name: "loss", value, step: 1 }] });
	}
	expect(mesh.word(run, "best")).toBe("train.2 (shard=3): loss 0.2, min of 2");
});

story("a new leader between the list and the cells makes the same cells", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(pipelineOf(prepare, stepOf("other"), train({ needs: ["prepare", "other"] })));
	mesh.finish(mesh.takeTask("prepare"), "succeeded", { values: { shards: [1, 2] } });
	mesh.handOver();
	mesh.finish(mesh.takeTask("other"));
	mesh.handOver();
	expect(mesh.steps(run)).toMatchObject({ "train.0": "leased", "train.1": "leased" });
	mesh.finish(mesh.takeTask("train.0"));
	mesh.finish(mesh.takeTask("train.1"));
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("an agent that does not say what a declared value is has failed the step", (mesh) => {
	mesh.agent("a1");
	const run = mesh.submit(pipelineOf(prepare, train()));
	mesh.finish(mesh.takeTask("prepare"));
	expect(mesh.settled(run)).toEqual({ prepare: "failed", train: "skipped" });
	expect(mesh.word(run, "prepare")).toContain("shards");
});
