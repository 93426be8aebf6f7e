import { expect } from "vitest";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { type StoryMesh, story } from "#test/support/story-mesh.ts";

const approve = stepOf("approve", { needs: ["train"], action: { kind: "approve", message: "ship it?" } });
const ship = stepOf("ship", { needs: ["approve"] });

const asked = (mesh: StoryMesh, timeoutMs = 0) => {
	mesh.agent("a1");
	const run = mesh.submit(pipelineOf(stepOf("train"), { ...approve, timeoutMs }, ship));
	mesh.finish(mesh.takeTask("train"));
	expect(mesh.steps(run)).toEqual({ train: "succeeded", approve: "held", ship: "waiting" });
	return run;
};

story("approved, the run goes on", (mesh) => {
	const run = asked(mesh);
	expect(mesh.events("approvalRequested", run)).toMatchObject([{ stepKey: "approve", message: "ship it?" }]);
	mesh.wait(86_400_000);
	mesh.answer(run, "approve", true, "looks good");
	expect(mesh.word(run, "approve")).toBe("approved by ada: looks good");
	mesh.finish(mesh.takeTask("ship"));
	expect(mesh.outcome(run)).toBe("succeeded");
});

const telling = (mesh: StoryMesh) => {
	mesh.agent("a1");
	const message = `accuracy \${{ steps.train.metrics.accuracy }}, ship it?`;
	const run = mesh.submit(pipelineOf(stepOf("train"), { ...approve, action: { kind: "approve", message } }));
	return { run, train: mesh.takeTask("train") };
};

story("the message tells what earlier steps found", (mesh) => {
	const { run, train } = telling(mesh);
	mesh.finish(train, "succeeded", { metrics: [{ name: "accuracy", value: 0.9, step: 1 }] });
	expect(mesh.events("approvalRequested", run)).toMatchObject([{ message: "accuracy 0.9, ship it?" }]);
	mesh.answer(run, "approve", true);
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("a message that can't be told fails the step", (mesh) => {
	const { run, train } = telling(mesh);
	mesh.finish(train);
	expect(mesh.word(run, "approve")).toContain("`train` did not report it");
	expect(mesh.outcome(run)).toBe("failed");
});

story("rejected, the run fails", (mesh) => {
	const run = asked(mesh);
	mesh.answer(run, "approve", false);
	expect(mesh.word(run, "approve")).toBe("rejected: rejected by ada");
	expect(mesh.settled(run).ship).toBe("skipped");
	expect(mesh.outcome(run)).toBe("failed");
});

story("nobody answers in time", (mesh) => {
	const run = asked(mesh, 60_000);
	mesh.wait(60_000);
	expect(mesh.steps(run).approve).toBe("held");
	mesh.wait(1);
	expect(mesh.word(run, "approve")).toBe("timeout: nobody answered within 60 s");
	expect(mesh.outcome(run)).toBe("failed");
});

story("the first of two answers counts", (mesh) => {
	const run = asked(mesh);
	mesh.answer(run, "approve", true);
	mesh.answer(run, "approve", false);
	expect(mesh.events("approvalAnswered", run)).toHaveLength(1);
	mesh.finish(mesh.takeTask("ship"));
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("an answer before it is asked, after a cancel, or for what is unknown says nothing", (mesh) => {
	mesh.agent("a1");
	const run = mesh.submit(pipelineOf(stepOf("train"), approve, ship));
	mesh.answer(run, "approve", true);
	mesh.answer(run, "nothing", true);
	mesh.answer("r9" as never, "approve", true);
	expect(mesh.steps(run).approve).toBe("waiting");
	mesh.finish(mesh.takeTask("train"));
	mesh.cancelRun(run);
	mesh.answer(run, "approve", true);
	expect(mesh.settled(run)).toEqual({ train: "succeeded", approve: "cancelled", ship: "cancelled" });
	expect(mesh.events("approvalAnswered")).toEqual([]);
	expect(mesh.outcome(run)).toBe("cancelled");
});

story("the time to answer counts from the question, not from the wait for its group", (mesh) => {
	const one = { group: "approvals", max: 1, cancelInProgress: false };
	const asking = { action: approve.action, concurrency: one, timeoutMs: 60_000 };
	const run = mesh.submit(pipelineOf(stepOf("first", asking), stepOf("second", asking)));
	expect(mesh.steps(run)).toEqual({ first: "held", second: "ready" });
	mesh.wait(50_000);
	mesh.answer(run, "first", true);
	mesh.wait(50_000);
	expect(mesh.steps(run).second).toBe("held");
	mesh.answer(run, "second", true);
	expect(mesh.outcome(run)).toBe("succeeded");
});
