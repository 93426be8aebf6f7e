import { expect } from "vitest";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { retries, story, when } from "#test/support/story-mesh.ts";

const behind = [
	stepOf("behind", { needs: ["one"] }),
	stepOf("asked", { needs: ["one"], ...when("steps.one.state == 'cancelled'") }),
];

story("one that runs is told to stop; steps behind it are skipped, others go on, the run ends cancelled", (mesh) => {
	const a1 = mesh.agent("a1", 4);
	const run = mesh.submit(pipelineOf(stepOf("one"), stepOf("other"), ...behind));
	const one = mesh.takeTask("one");
	mesh.start(one);
	mesh.cancelStep(run, "one");
	expect(mesh.effects.findLast(({ kind }) => kind === "sendControl")).toMatchObject({
		agentId: a1,
		control: { stop: [{ attemptId: one.attemptId, reason: "not needed" }] },
	});
	expect(mesh.beat(a1, [one]).stop).toEqual([{ attemptId: one.attemptId, reason: "not needed" }]);
	expect(mesh.steps(run).one).toBe("running");
	mesh.finish(one, "cancelled");
	expect(mesh.word(run, "one")).toBe("not needed");
	expect(mesh.settled(run)).toEqual({ one: "cancelled", behind: "skipped" });
	mesh.finish(mesh.takeTask("asked"));
	mesh.finish(mesh.takeTask("other"));
	expect(mesh.outcome(run)).toBe("cancelled");
});

story("one that is leased and never heard of ends with its agent's lease", (mesh) => {
	const a1 = mesh.agent("a1", 4);
	const run = mesh.submit(pipelineOf(stepOf("one"), ...behind));
	mesh.cancelStep(run, "one");
	expect(mesh.steps(run).one).toBe("leased");
	mesh.lose(a1);
	expect(mesh.settled(run)).toMatchObject({ one: "cancelled", behind: "skipped" });
});

story("one that waits or is ready is cancelled at once", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(
		pipelineOf(
			stepOf("first"),
			stepOf("one", { needs: ["first"] }),
			stepOf("ready", { labels: { site: "moon" } }),
			...behind,
		),
	);
	mesh.cancelStep(run, "one");
	mesh.cancelStep(run, "ready");
	expect(mesh.steps(run)).toMatchObject({ one: "cancelled", ready: "cancelled", behind: "skipped", asked: "leased" });
	mesh.finish(mesh.takeTask("asked"));
	mesh.finish(mesh.takeTask("first"));
	expect(mesh.outcome(run)).toBe("cancelled");
});

story("one between two attempts", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(pipelineOf(stepOf("one", retries({ max: 1 }))));
	mesh.fail(mesh.takeTask("one"));
	mesh.cancelStep(run, "one");
	expect(mesh.outcome(run)).toBe("cancelled");
	mesh.wait(60_000);
	expect(mesh.tasks).toEqual([]);
});

story("one that is lost may yet be heard of, and is told to stop then", (mesh) => {
	const a1 = mesh.agent("a1", 4);
	const run = mesh.submit(pipelineOf(stepOf("one", { lostWaitMs: 600_000 })));
	const one = mesh.takeTask("one");
	mesh.start(one);
	mesh.lose(a1);
	mesh.cancelStep(run, "one");
	expect(mesh.outcome(run)).toBe("cancelled");
	expect(mesh.beat(a1, [one]).stop).toHaveLength(1);
});

story("one that a person is asked about", (mesh) => {
	const run = mesh.submit(pipelineOf(stepOf("one", { action: { kind: "approve", message: "" } }), ...behind));
	mesh.cancelStep(run, "one");
	expect(mesh.steps(run)).toMatchObject({ one: "cancelled", behind: "skipped" });
});

story("one that stands for cells that are not known yet", (mesh) => {
	mesh.agent("a1", 4);
	const shards = { step: "prepare", output: "shards" };
	const run = mesh.submit(
		pipelineOf(
			stepOf("prepare", { outputs: { shards: "s" }, values: ["shards"] }),
			stepOf("one", { needs: ["prepare"], matrix: { shard: shards } }),
			...behind,
		),
	);
	mesh.cancelStep(run, "one");
	mesh.finish(mesh.takeTask("prepare"), "succeeded", { values: { shards: [1, 2] } });
	expect(mesh.settled(run)).toMatchObject({ one: "cancelled", behind: "skipped" });
	expect(mesh.events("matrixExpanded")).toEqual([]);
});

story("one cell of many", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(pipelineOf(stepOf("one", { matrix: { n: [1, 2] } }), ...behind));
	mesh.cancelStep(run, "one.0");
	mesh.finish(mesh.takeTask("one.0"), "cancelled");
	mesh.finish(mesh.takeTask("one.1"));
	mesh.finish(mesh.takeTask("asked"));
	expect(mesh.settled(run)).toMatchObject({ behind: "skipped", asked: "succeeded" });
	expect(mesh.outcome(run)).toBe("cancelled");
});

story("a second word, one about a settled step, and one about nothing change nothing", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(pipelineOf(stepOf("one"), stepOf("two")));
	mesh.cancelStep(run, "one");
	mesh.cancelStep(run, "one", "again");
	const one = mesh.takeTask("one");
	mesh.finish(one, "cancelled");
	mesh.cancelStep(run, "one");
	mesh.cancelStep(run, "three");
	mesh.cancelStep("r9" as never, "one");
	expect(mesh.events("stepCancelRequested")).toHaveLength(1);
	mesh.finish(mesh.takeTask("two"));
	expect(mesh.outcome(run)).toBe("cancelled");
});

story("a run that was cancelled ends so, whatever its last step brings", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(pipelineOf(stepOf("one")));
	const one = mesh.takeTask("one");
	mesh.cancelRun(run);
	mesh.finish(one);
	expect(mesh.settled(run)).toEqual({ one: "succeeded" });
	expect(mesh.outcome(run)).toBe("cancelled");
});
