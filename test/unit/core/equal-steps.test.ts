import { expect } from "vitest";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { cached, story } from "#test/support/story-mesh.ts";

const equal = (name: string, changes: Partial<StepDefinition> = {}) => stepOf(name, { ...cached(), ...changes });

story("equal steps of one run run once", (mesh) => {
	mesh.agent("a1", 8);
	const run = mesh.submit(pipelineOf(equal("one"), equal("two"), equal("three")));
	expect(mesh.tasks.map(({ stepKey }) => stepKey)).toEqual(["one"]);
	mesh.finish(mesh.takeTask("one"));
	expect(mesh.word(run, "three")).toBe("taken from run r1");
	expect(mesh.outcome(run)).toBe("succeeded");
	expect(mesh.events("attemptLeased")).toHaveLength(1);
});

story("and so do those of two runs", (mesh) => {
	mesh.agent("a1", 8);
	mesh.submit(pipelineOf(equal("one")), "r1");
	const second = mesh.submit(pipelineOf(equal("one")), "r2");
	expect(mesh.tasks).toHaveLength(1);
	mesh.finish(mesh.takeTask("one"));
	expect(mesh.outcome(second)).toBe("succeeded");
	expect(mesh.events("cacheChecked", second)).toMatchObject([{ hit: true, sourceRunId: "r1" }]);
});

story("when the one that runs fails, the next runs", (mesh) => {
	mesh.agent("a1", 8);
	const run = mesh.submit(pipelineOf(equal("one"), equal("two"), equal("three")));
	mesh.fail(mesh.takeTask("one"));
	expect(mesh.tasks.map(({ stepKey }) => stepKey)).toEqual(["two"]);
	mesh.finish(mesh.takeTask("two"));
	expect(mesh.settled(run)).toEqual({ one: "failed", two: "succeeded", three: "succeeded" });
});

story("when its run is cancelled, the next runs", (mesh) => {
	mesh.agent("a1", 8);
	mesh.submit(pipelineOf(equal("one")), "r1");
	const second = mesh.submit(pipelineOf(equal("one")), "r2");
	const first = mesh.takeTask("one");
	mesh.cancelRun("r1" as never);
	expect(mesh.tasks).toEqual([]);
	mesh.finish(first, "cancelled");
	mesh.finish(mesh.takeTask("one"));
	expect(mesh.outcome(second)).toBe("succeeded");
});

story("one that fits nowhere does not keep its equals waiting", (mesh) => {
	mesh.agent("a1", 8);
	mesh.submit(pipelineOf(equal("one", { labels: { site: "moon" } })), "r1");
	const second = mesh.submit(pipelineOf(equal("one")), "r2");
	mesh.finish(mesh.takeTask("one"));
	expect(mesh.outcome(second)).toBe("succeeded");
	expect(mesh.word("r1" as never, "one")).toBe("taken from run r2");
});

story("one that waits for its equal can be cancelled", (mesh) => {
	mesh.agent("a1", 8);
	const run = mesh.submit(pipelineOf(equal("one"), equal("two")));
	mesh.cancelStep(run, "two");
	mesh.finish(mesh.takeTask("one"));
	expect(mesh.settled(run)).toEqual({ one: "succeeded", two: "cancelled" });
});

story("cells of a matrix are not equal, and neither are steps that say nothing of a cache", (mesh) => {
	mesh.agent("a1", 8);
	mesh.submit(pipelineOf(equal("cells", { matrix: { n: [1, 2] } }), stepOf("plain"), stepOf("same")));
	expect(mesh.tasks).toHaveLength(4);
});
