import { expect } from "vitest";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { retries, story, when } from "#test/support/story-mesh.ts";

const limited = (...steps: StepDefinition[]) => ({ ...pipelineOf(...steps), timeoutMs: 60_000 });
const REASON = "the run took longer than its timeout of 60 s";

story("what runs is stopped and has failed, what waits is skipped", (mesh) => {
	const a1 = mesh.agent("a1", 2);
	const run = mesh.submit(
		limited(
			stepOf("done"),
			stepOf("running"),
			stepOf("ready", { labels: { site: "moon" } }),
			stepOf("waiting", { needs: ["running"] }),
			stepOf("ask", { action: { kind: "approve", message: "" } }),
			stepOf("asked", { needs: ["running"], ...when("always()") }),
		),
	);
	mesh.finish(mesh.takeTask("done"));
	const running = mesh.takeTask("running");
	mesh.start(running);
	mesh.wait(60_000);
	expect(mesh.events("runTimedOut")).toEqual([]);
	mesh.wait(1);
	expect(mesh.events("runTimedOut")).toMatchObject([{ reason: REASON }]);
	expect(mesh.settled(run)).toEqual({
		...{ done: "succeeded", ready: "skipped", waiting: "skipped", ask: "failed", asked: "skipped" },
	});
	expect(mesh.word(run, "ready")).toBe(REASON);
	expect(mesh.word(run, "ask")).toBe(`timeout: ${REASON}`);
	expect(mesh.beat(a1, [running]).stop).toEqual([{ attemptId: running.attemptId, reason: REASON }]);
	mesh.finish(running, "cancelled");
	expect(mesh.word(run, "running")).toBe(`timeout: ${REASON}`);
	expect(mesh.outcome(run)).toBe("failed");
	expect(mesh.events("runFinished")).toMatchObject([{ reason: REASON }]);
});

story("a step between two attempts has failed", (mesh) => {
	mesh.agent("a1");
	const run = mesh.submit(limited(stepOf("one", retries({ max: 3, delayMs: 600_000 }))));
	mesh.fail(mesh.takeTask("one"));
	mesh.wait(60_001);
	expect(mesh.word(run, "one")).toBe(`timeout: ${REASON}`);
	expect(mesh.outcome(run)).toBe("failed");
});

story("a run that ends in time is not touched", (mesh) => {
	mesh.agent("a1");
	const run = mesh.submit(limited(stepOf("one")));
	mesh.wait(59_000);
	mesh.finish(mesh.takeTask("one"));
	mesh.wait(600_000);
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("a result that comes while it is told to stop counts, and the run has failed all the same", (mesh) => {
	mesh.agent("a1");
	const run = mesh.submit(limited(stepOf("one")));
	const task = mesh.takeTask("one");
	mesh.wait(60_001);
	mesh.finish(task);
	expect(mesh.settled(run)).toEqual({ one: "succeeded" });
	expect(mesh.outcome(run)).toBe("failed");
});

story("a deploy that waits is taken back", (mesh) => {
	mesh.agent("a1", 2);
	const deploy = {
		action: { kind: "deploy", model: { step: "train", output: "model" }, golden: null, name: "digits", replicas: 1 },
		needs: ["train"],
	} as const;
	const run = mesh.submit(
		limited(stepOf("train", { outputs: { model: "m" } }), stepOf("deploy", { ...deploy, needs: [...deploy.needs] })),
	);
	mesh.finish(mesh.takeTask("train"));
	expect(mesh.steps(run).deploy).toBe("running");
	mesh.wait(60_001);
	expect(mesh.word(run, "deploy")).toBe(`timeout: ${REASON}`);
	expect(mesh.state.deployments.get("digits")).toMatchObject({ agentIds: [] });
});

story("what is to be done on failure is done then, in its own time", (mesh) => {
	mesh.agent("a1");
	const run = mesh.submit(
		limited(stepOf("one"), stepOf("clean", { phase: "onFailure", needs: ["one"], ...when("failed()") })),
	);
	const task = mesh.takeTask("one");
	mesh.wait(60_001);
	mesh.finish(task, "cancelled");
	const clean = mesh.takeTask("clean");
	mesh.wait(600_000);
	mesh.finish(clean);
	expect(mesh.settled(run)).toEqual({ one: "failed", clean: "succeeded" });
	expect(mesh.outcome(run)).toBe("failed");
});
