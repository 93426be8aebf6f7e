/** Defects that the simulation found, each as the shortest story that shows it. */

import { expect, it } from "vitest";
import { canonicalJson } from "#shared/pipeline/canonical.ts";
import { CoreMesh } from "#test/support/core-mesh.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";

const always = { source: "always()", statusAware: true };

it("a step that was left out is not asked its `if` when a step before it is taken over", () => {
	const mesh = new CoreMesh();
	const taken = { stepKey: "first" as never, matrixJson: canonicalJson({}), runId: "r0" as never };
	const reused = [{ ...taken, outputs: [], metrics: [] }];
	const pipeline = pipelineOf(stepOf("first"), stepOf("second", { needs: ["first"], condition: always }));
	const run = mesh.submit(pipeline, "r1", { reused, leftOut: ["second"] });
	expect(mesh.settled(run)).toEqual({ first: "succeeded", second: "skipped" });
});

it("a run whose time is up grows no cells any more", () => {
	const mesh = new CoreMesh();
	mesh.agent("a1");
	const source = stepOf("source", { outputs: { list: "list.json" }, values: ["list"] });
	const stuck = stepOf("stuck", { labels: { place: "nowhere" } });
	const matrix = { shard: { step: "source", output: "list" } };
	const cells = stepOf("cells", { needs: ["source", "stuck"], matrix, condition: always });
	const run = mesh.submit({ ...pipelineOf(source, stuck, cells), timeoutMs: 10_000 });
	mesh.finish(mesh.takeTask("source"), "succeeded", { values: { list: [1, 2] } });
	mesh.nowMs += 11_000;
	mesh.give({ kind: "tick" });
	expect(mesh.settled(run)).toEqual({ source: "succeeded", stuck: "skipped", cells: "skipped" });
	expect(mesh.outcome(run)).toBe("failed");
});

it("a matrix that grows while its run begins is asked once", () => {
	const mesh = new CoreMesh();
	mesh.agent("a1");
	const output = {
		name: "list",
		digest: `sha256:${"0".repeat(64)}` as never,
		sizeBytes: 1,
		fileCount: 1,
		holders: ["a1"],
	};
	const taken = { stepKey: "source" as never, matrixJson: canonicalJson({}), runId: "r0" as never, metrics: [] };
	const reused = [{ ...taken, outputs: [{ ...output, valueJson: "[1,2]" }] }];
	const source = stepOf("source", { outputs: { list: "list.json" }, values: ["list"] });
	const matrix = { shard: { step: "source", output: "list" } };
	const run = mesh.submit(pipelineOf(source, stepOf("cells", { needs: ["source"], matrix })), "r1", { reused });
	mesh.finish(mesh.takeTask("cells.0"));
	mesh.finish(mesh.takeTask("cells.1"));
	expect(mesh.outcome(run)).toBe("succeeded");
});
