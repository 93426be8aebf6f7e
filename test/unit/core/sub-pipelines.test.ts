import { expect } from "vitest";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { story } from "#test/support/story-mesh.ts";

const model = { step: "sub.train", output: "model" };
const pipeline = pipelineOf(
	stepOf("sub.prepare", { outputs: { data: "d" }, params: { size: 3 } }),
	stepOf("sub.train", { needs: ["sub.prepare"], outputs: { model: "m" }, params: { size: 3 } }),
	stepOf("sub", { needs: ["sub.prepare", "sub.train"], action: { kind: "collect", outputs: { best: model } } }),
	stepOf("use", { needs: ["sub"], inputs: { best: { step: "sub", output: "best" } } }),
);

story("its end passes on the outputs that its file names", (mesh) => {
	mesh.agent("a1");
	const run = mesh.submit(pipeline, "r1", { params: { size: 1 } });
	const prepare = mesh.takeTask("sub.prepare");
	expect(JSON.parse(prepare.paramsJson).params).toEqual({ size: 3 });
	mesh.finish(prepare);
	expect(mesh.steps(run)).toMatchObject({ sub: "waiting", use: "waiting" });
	mesh.finish(mesh.takeTask("sub.train"));
	expect(mesh.events("stepSettled", run).at(-1)).toMatchObject({ stepKey: "sub", outputs: [{ name: "best" }] });
	const use = mesh.takeTask("use");
	expect(use.inputs.map(({ name }) => name)).toEqual(["best"]);
	expect(JSON.parse(use.paramsJson).params).toEqual({ size: 1 });
	mesh.finish(use);
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("when a step of it fails, its end and what stands behind are skipped", (mesh) => {
	mesh.agent("a1");
	const run = mesh.submit(pipeline);
	mesh.fail(mesh.takeTask("sub.prepare"));
	expect(mesh.settled(run)).toEqual({
		"sub.prepare": "failed",
		"sub.train": "skipped",
		sub: "skipped",
		use: "skipped",
	});
});

story("when a step of it fails, others may say that it has failed", (mesh) => {
	mesh.agent("a1");
	const tidy = stepOf("tidy", { needs: ["sub"], condition: { source: "failed()", statusAware: true } });
	const condition = { source: 'steps.sub.state == "failed"', statusAware: true };
	const run = mesh.submit(pipelineOf(...pipeline.steps, tidy, stepOf("tell", { needs: ["sub"], condition })));
	mesh.fail(mesh.takeTask("sub.prepare"));
	mesh.finish(mesh.takeTask("tidy"));
	mesh.finish(mesh.takeTask("tell"));
	expect(mesh.outcome(run)).toBe("failed");
});

story("one within another ends from within", (mesh) => {
	mesh.agent("a1");
	const run = mesh.submit(
		pipelineOf(
			stepOf("a.b.make", { outputs: { file: "f" } }),
			stepOf("a.b", {
				needs: ["a.b.make"],
				action: { kind: "collect", outputs: { x: { step: "a.b.make", output: "file" } } },
			}),
			stepOf("a", { needs: ["a.b"], action: { kind: "collect", outputs: { y: { step: "a.b", output: "x" } } } }),
			stepOf("use", { needs: ["a"], inputs: { z: { step: "a", output: "y" } } }),
		),
	);
	mesh.finish(mesh.takeTask("a.b.make"));
	mesh.finish(mesh.takeTask("use"));
	expect(mesh.outcome(run)).toBe("succeeded");
});
