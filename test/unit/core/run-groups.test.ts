import { expect } from "vitest";
import type { PipelineDefinition } from "#shared/pipeline/definition.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { type StoryMesh, story } from "#test/support/story-mesh.ts";

const grouped = (changes: { max?: number; cancelInProgress?: boolean } = {}): PipelineDefinition => ({
	...pipelineOf(stepOf("one"), stepOf("two", { needs: ["one"] })),
	concurrency: { group: "nightly", max: 1, cancelInProgress: false, ...changes },
});

const states = (mesh: StoryMesh, ...runs: string[]) =>
	runs.map((run) => mesh.state.runs.get(run as never)?.status ?? mesh.outcome(run as never));

const runAll = (mesh: StoryMesh): void => {
	mesh.finish(mesh.takeTask("one"));
	mesh.finish(mesh.takeTask("two"));
};

story("runs of a group go ahead one after the other, in the order they came", (mesh) => {
	mesh.agent("a1", 8);
	for (const run of ["r1", "r2", "r3"]) mesh.submit(grouped(), run);
	expect(states(mesh, "r1", "r2", "r3")).toEqual(["running", "queued", "queued"]);
	expect(mesh.steps("r2" as never)).toEqual({ one: "waiting", two: "waiting" });
	runAll(mesh);
	expect(states(mesh, "r1", "r2", "r3")).toEqual(["succeeded", "running", "queued"]);
	runAll(mesh);
	runAll(mesh);
	expect(states(mesh, "r1", "r2", "r3")).toEqual(["succeeded", "succeeded", "succeeded"]);
	expect(mesh.events("runAdmitted").map(({ runId }) => runId)).toEqual(["r1", "r2", "r3"]);
});

story("as many as it holds", (mesh) => {
	mesh.agent("a1", 8);
	for (const run of ["r1", "r2", "r3"]) mesh.submit(grouped({ max: 2 }), run);
	expect(states(mesh, "r1", "r2", "r3")).toEqual(["running", "running", "queued"]);
	mesh.fail(mesh.takeTask("one"));
	expect(states(mesh, "r1", "r2", "r3")).toEqual(["failed", "running", "running"]);
});

story("a queued run that is cancelled lets those behind it pass", (mesh) => {
	mesh.agent("a1", 8);
	for (const run of ["r1", "r2", "r3"]) mesh.submit(grouped(), run);
	mesh.cancelRun("r2" as never);
	expect(states(mesh, "r1", "r2", "r3")).toEqual(["running", "cancelled", "queued"]);
	runAll(mesh);
	expect(states(mesh, "r1", "r2", "r3")).toEqual(["succeeded", "cancelled", "running"]);
});

story("a queued run whose steps are all cancelled is over", (mesh) => {
	mesh.agent("a1", 8);
	mesh.submit(grouped(), "r1");
	mesh.submit(grouped(), "r2");
	mesh.cancelStep("r2" as never, "one");
	expect(mesh.settled("r2" as never)).toEqual({ one: "cancelled", two: "skipped" });
	expect(states(mesh, "r1", "r2")).toEqual(["running", "cancelled"]);
});

story("a new run cancels those before it, and waits until they have ended", (mesh) => {
	mesh.agent("a1", 8);
	mesh.submit(grouped(), "r1");
	const first = mesh.takeTask("one");
	mesh.submit(grouped(), "r2");
	mesh.submit(grouped({ cancelInProgress: true }), "r3");
	expect(states(mesh, "r1", "r2", "r3")).toEqual(["cancelling", "cancelled", "queued"]);
	mesh.finish(first, "cancelled");
	expect(states(mesh, "r1", "r2", "r3")).toEqual(["cancelled", "cancelled", "running"]);
	runAll(mesh);
	expect(mesh.outcome("r3" as never)).toBe("succeeded");
});

story("its timeout counts from when it went ahead", (mesh) => {
	mesh.agent("a1", 8);
	mesh.submit(grouped(), "r1");
	mesh.submit({ ...grouped(), timeoutMs: 60_000 }, "r2");
	mesh.wait(120_000);
	expect(states(mesh, "r2")).toEqual(["queued"]);
	runAll(mesh);
	mesh.wait(50_000);
	expect(states(mesh, "r2")).toEqual(["running"]);
	mesh.wait(10_001);
	expect(mesh.events("runTimedOut")).toHaveLength(1);
});
