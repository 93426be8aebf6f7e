import { expect } from "vitest";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { story, when } from "#test/support/story-mesh.ts";

const onFailure = (name: string, needs: string[], condition = "failed()") =>
	stepOf(name, { phase: "onFailure", needs, ...when(condition) });

const pipeline = pipelineOf(
	stepOf("one"),
	stepOf("two", { needs: ["one"] }),
	stepOf("other"),
	onFailure("tell", ["one", "two", "other"]),
	onFailure("clean", ["one", "two", "other", "tell"]),
);

story("nothing failed: they are skipped, and the run has succeeded", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(pipeline);
	for (const key of ["one", "two", "other"]) mesh.finish(mesh.takeTask(key));
	expect(mesh.settled(run)).toMatchObject({ tell: "skipped", clean: "skipped" });
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("something failed: they run when all others have settled, one after the other", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(pipeline);
	mesh.fail(mesh.takeTask("one"));
	expect(mesh.steps(run)).toMatchObject({ two: "skipped", tell: "waiting" });
	mesh.finish(mesh.takeTask("other"));
	const tell = mesh.takeTask("tell");
	expect(mesh.steps(run).clean).toBe("waiting");
	mesh.finish(tell);
	mesh.finish(mesh.takeTask("clean"));
	expect(mesh.outcome(run)).toBe("failed");
});

story("the run was cancelled: they don't run", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(pipeline);
	mesh.fail(mesh.takeTask("one"));
	const other = mesh.takeTask("other");
	mesh.cancelRun(run);
	mesh.finish(other, "cancelled");
	expect(mesh.settled(run)).toMatchObject({ tell: "cancelled", clean: "cancelled" });
	expect(mesh.outcome(run)).toBe("cancelled");
});

story("what becomes of them doesn't count", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(
		pipelineOf(
			stepOf("one"),
			stepOf("flaky"),
			onFailure("tell", ["one", "flaky"]),
			onFailure("clean", ["one", "flaky"]),
		),
	);
	mesh.finish(mesh.takeTask("one"));
	mesh.fail(mesh.takeTask("flaky"));
	mesh.fail(mesh.takeTask("tell"));
	mesh.cancelStep(run, "clean");
	mesh.finish(mesh.takeTask("clean"), "cancelled");
	expect(mesh.settled(run)).toMatchObject({ tell: "failed", clean: "cancelled" });
	expect(mesh.outcome(run)).toBe("failed");
});

story("with an `if` of their own", (mesh) => {
	mesh.agent("a1", 4);
	const run = mesh.submit(
		pipelineOf(
			stepOf("one"),
			stepOf("two"),
			onFailure("ofOne", ["one", "two"], "failed() && steps.one.state == 'failed'"),
			onFailure("ofTwo", ["one", "two"], "failed() && steps.two.state == 'failed'"),
		),
	);
	mesh.fail(mesh.takeTask("one"));
	mesh.finish(mesh.takeTask("two"));
	mesh.finish(mesh.takeTask("ofOne"));
	expect(mesh.settled(run)).toMatchObject({ ofOne: "succeeded", ofTwo: "skipped" });
});
