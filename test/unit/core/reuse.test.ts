import { expect } from "vitest";
import type { ReusedStep } from "#coordinator/core/events.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { story, when } from "#test/support/story-mesh.ts";

const taken = (stepKey: string, matrixJson = "{}"): ReusedStep => ({
	stepKey: stepKey as never,
	matrixJson,
	runId: "r0" as never,
	outputs: [
		{
			...{ name: "data", digest: `sha256:${"1".repeat(64)}` as never, sizeBytes: 1, fileCount: 1 },
			...{ holders: ["a1"], valueJson: "[1, 2]" },
		},
	],
	metrics: [{ name: "accuracy", value: 0.9, step: 1 }],
});

const prepare = stepOf("prepare", { outputs: { data: "d" }, values: ["data"] });
const data = { step: "prepare", output: "data" };

story("results of an earlier run are taken, and the rest runs", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(
		pipelineOf(prepare, stepOf("train", { needs: ["prepare"], inputs: { data } }), stepOf("other")),
		"r1",
		{ reused: [taken("prepare")], basedOn: "r0" as never },
	);
	expect(mesh.word(run, "prepare")).toBe("taken from run r0");
	expect(mesh.takeTask("train").inputs).toMatchObject([{ name: "data", digest: taken("prepare").outputs[0]?.digest }]);
	expect(mesh.steps(run).other).toBe("leased");
});

story("a whole run that is taken is over at once", (mesh) => {
	const run = mesh.submit(pipelineOf(prepare, stepOf("train", { needs: ["prepare"] })), "r1", {
		reused: [taken("train"), taken("prepare")],
	});
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("a result does not wait for what its step needs", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(pipelineOf(prepare, stepOf("train", { needs: ["prepare"] })), "r1", {
		reused: [taken("train")],
	});
	expect(mesh.steps(run)).toEqual({ prepare: "leased", train: "succeeded" });
});

story("cells take those of the same values, the others run", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(
		pipelineOf(
			stepOf("first", { matrix: { n: [1, 2] } }),
			stepOf("second", { needs: ["first"], matrix: { n: [1, 2] } }),
		),
		"r1",
		{
			reused: [
				taken("first.0", '{"n":1}'),
				taken("first.1", '{"n":9}'),
				taken("second.0", '{"n":9}'),
				taken("second.1", '{"n":2}'),
			],
		},
	);
	expect(mesh.steps(run)).toEqual({
		"first.0": "succeeded",
		"first.1": "leased",
		"second.0": "waiting",
		"second.1": "succeeded",
	});
	mesh.finish(mesh.takeTask("first.1"));
	mesh.finish(mesh.takeTask("second.0"));
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("so do cells that come late", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(pipelineOf(prepare, stepOf("train", { needs: ["prepare"], matrix: { n: data } })), "r1", {
		reused: [taken("prepare"), taken("train.0", '{"n":1}'), taken("train.1", '{"n":7}')],
	});
	expect(mesh.steps(run)).toEqual({ prepare: "succeeded", "train.0": "succeeded", "train.1": "leased" });
});

story("what was not asked for is skipped, and nothing waits for it", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(
		pipelineOf(
			prepare,
			stepOf("train", { needs: ["prepare"] }),
			stepOf("asked", { needs: ["train"], ...when("succeeded()") }),
			stepOf("test", { needs: ["train"] }),
		),
		"r1",
		{ leftOut: ["prepare", "test"] },
	);
	expect(mesh.word(run, "prepare")).toBe("not asked for");
	mesh.finish(mesh.takeTask("train"));
	mesh.finish(mesh.takeTask("asked"));
	expect(mesh.settled(run)).toMatchObject({ prepare: "skipped", test: "skipped" });
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("in a queued run they are taken when it goes ahead", (mesh) => {
	mesh.agent("a1", 4);
	const grouped = {
		...pipelineOf(prepare, stepOf("train", { needs: ["prepare"] })),
		concurrency: { group: "g", max: 1, cancelInProgress: false },
	};
	mesh.submit(grouped, "r1");
	const second = mesh.submit(grouped, "r2", { reused: [taken("prepare")], leftOut: ["train"] });
	expect(mesh.steps(second)).toEqual({ prepare: "waiting", train: "waiting" });
	mesh.cancelRun("r1" as never);
	mesh.finish(mesh.takeTask("prepare"), "cancelled");
	expect(mesh.settled(second)).toEqual({ prepare: "succeeded", train: "skipped" });
	expect(mesh.outcome(second)).toBe("succeeded");
});
