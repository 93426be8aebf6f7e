// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests
import { expect } from "vitest";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { cached, type StoryMesh, story } from "#test/support/story-mesh.ts";

const inGroup = (max = 1, group = "device"): Pick<StepDefinition, "concurrency"> => ({
	concurrency: { group, max, cancelInProgress: false },
});

const atOnce = (mesh: StoryMesh, ...runs: string[]): string[] =>
	runs.flatMap((run) =>
		Object.entries(mesh.steps(run as never)).flatMap(([key, status]) =>
			["leased", "running", "held"].includes(status) ? [key] : [],
		),
	);

story("no more of a group than it holds run at once, over all runs", (mesh) => {
	mesh.agent("a1", 16);
	mesh.submit(pipelineOf(stepOf("a", { ...inGroup(2), matrix: { n: [1, 2, 3] } })), "r1");
	mesh.submit(pipelineOf(stepOf("b", inGroup(2)), stepOf("free")), "r2");
	expect(atOnce(mesh, "r1", "r2")).toEqual(["a.0", "a.1", "free"]);
	mesh.finish(mesh.takeTask("a.0"));
	expect(atOnce(mesh, "r1", "r2")).toEqual(["a.2", "a.1", "free"].sort());
	mesh.finish(mesh.takeTask("a.1"));
	expect(atOnce(mesh, "r1", "r2")).toEqual(["a.2", "b", "free"]);
	for (const key of ["a.2", "b", "free"]) mesh.finish(mesh.takeTask(key));
	expect([mesh.outcome("r1" as never), mesh.outcome("r2" as never)]).toEqual(["succeeded", "succeeded"]);
});

story("the higher priority goes first in it", (mesh) => {
	mesh.agent("a1", 16);
	const run = mesh.submit(
		pipelineOf(
			stepOf("first", { ...inGroup(), priority: 90 }),
			stepOf("low", { ...inGroup(), priority: 10 }),
			stepOf("high", { ...inGroup(), priority: 80 }),
		),
	);
	const order = ["first", "high", "low"];
	for (const key of order) {
		expect(atOnce(mesh, run)).toEqual([key]);
		mesh.finish(mesh.takeTask(key));
	}
});

story("one of a group that fits nowhere does not hold up the others", (mesh) => {
	mesh.agent("a1", 16);
	const run = mesh.submit(
		pipelineOf(
			stepOf("now", { ...inGroup(), priority: 90 }),
			stepOf("nowhere", { ...inGroup(), labels: { site: "moon" }, priority: 80 }),
			stepOf("next", inGroup()),
		),
	);
	mesh.finish(mesh.takeTask("now"));
	mesh.finish(mesh.takeTask("next"));
	mesh.agent("a2", 1, { labels: { site: "moon" } });
	mesh.finish(mesh.takeTask("nowhere"));
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("one that is cancelled when its turn comes does not hold up the others", (mesh) => {
	mesh.agent("a1", 16);
	const run = mesh.submit(
		pipelineOf(
			stepOf("now", inGroup()),
			stepOf("gone", { ...inGroup(), labels: { site: "moon" } }),
			stepOf("next", inGroup()),
		),
	);
	mesh.cancelStep(run, "gone");
	mesh.finish(mesh.takeTask("now"));
	mesh.cancelStep(run, "gone");
	mesh.finish(mesh.takeTask("next"));
	expect(mesh.outcome(run)).toBe("cancelled");
});

story("one that turns out to wait for its equal does not hold up the others", (mesh) => {
	mesh.agent("a1", 16);
	const same: Partial<StepDefinition> = {
		...cached(),
		action: { kind: "command", command: "same", shell: ["sh"], workdir: "" },
	};
	mesh.submit(pipelineOf(stepOf("elsewhere", same)), "r1");
	mesh.submit(
		pipelineOf(stepOf("now", inGroup()), stepOf("equal", { ...same, ...inGroup() }), stepOf("next", inGroup())),
		"r2",
	);
	mesh.finish(mesh.takeTask("now"));
	mesh.finish(mesh.takeTask("next"));
	mesh.finish(mesh.takeTask("elsewhere"));
	expect(mesh.outcome("r2" as never)).toBe("succeeded");
	expect(mesh.word("r2" as never, "equal")).toBe("taken from run r1");
});

story("a group named by a parameter is another group for another value", (mesh) => {
	mesh.agent("a1", 16);
	const steps = pipelineOf(stepOf("one", inGroup(1, "dev-${{ params.device }}")));
	mesh.submit(steps, "r1", { params: { device: "x" } });
	mesh.submit(steps, "r2", { params: { device: "y" } });
	mesh.submit(steps, "r3", { params: { device: "x" } });
	expect(["r1", "r2", "r3"].map((run) => mesh.steps(run as never).one)).toEqual(["leased", "leased", "ready"]);
});

story("an attempt that failed leaves its place while it waits for the next", (mesh) => {
	mesh.agent("a1", 16);
	const again = { max: 1, on: ["error" as const], exitCodes: [], delayMs: 5_000, backoff: 1, lost: 3 };
	const run = mesh.submit(pipelineOf(stepOf("flaky", { ...inGroup(), retries: again }), stepOf("next", inGroup())));
	mesh.fail(mesh.takeTask("flaky"));
	mesh.wait(5_000);
	expect(mesh.steps(run)).toEqual({ flaky: expect.stringMatching(/ready|backoff/), next: "leased" });
	mesh.finish(mesh.takeTask("next"));
	mesh.finish(mesh.takeTask("flaky"));
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("a question to a person holds its place", (mesh) => {
	mesh.agent("a1", 16);
	const run = mesh.submit(
		pipelineOf(stepOf("ask", { ...inGroup(), action: { kind: "approve", message: "" } }), stepOf("next", inGroup())),
	);
	expect(atOnce(mesh, run)).toEqual(["ask"]);
	mesh.answer(run, "ask", true);
	expect(atOnce(mesh, run)).toEqual(["next"]);
});

story("a lost attempt that is heard of again when its place is taken is told to stop", (mesh) => {
	const a1 = mesh.agent("a1", 1);
	const run = mesh.submit(
		pipelineOf(stepOf("first", { ...inGroup(), lostWaitMs: 600_000 }), stepOf("next", inGroup())),
	);
	const first = mesh.takeTask("first");
	mesh.start(first);
	mesh.lose(a1);
	mesh.agent("a2", 1);
	expect(atOnce(mesh, run)).toEqual(["next"]);
	expect(mesh.beat(a1, [first]).stop).toMatchObject([{ attemptId: first.attemptId }]);
	expect(atOnce(mesh, run)).toEqual(["next"]);
});
