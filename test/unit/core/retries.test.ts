import { expect } from "vitest";
import type { FailureCause } from "#shared/domain.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { retries, type StoryMesh, story } from "#test/support/story-mesh.ts";

/** Whether a failure of that cause is followed by another attempt. */
const isRetried = (mesh: StoryMesh, policy: Parameters<typeof retries>[0], cause: FailureCause, exitCode?: number) => {
	const run = mesh.submit(pipelineOf(stepOf("one", retries({ max: 1, ...policy }))), `r${mesh.journal.length}`);
	mesh.fail(mesh.takeTask("one"), cause, exitCode === undefined ? {} : { exitCode });
	mesh.wait(1_000);
	const again = mesh.steps(run).one === "leased";
	if (again) mesh.finish(mesh.takeTask("one"));
	return again;
};

story("by cause", (mesh) => {
	mesh.agent("a1");
	expect(isRetried(mesh, { on: ["timeout", "oom"] }, "oom")).toBe(true);
	expect(isRetried(mesh, { on: ["timeout", "oom"] }, "error")).toBe(false);
	expect(isRetried(mesh, { on: ["error"] }, "error", 7)).toBe(true);
	expect(isRetried(mesh, { on: ["error"], max: 0 }, "error")).toBe(false);
});

story("by exit code: an error with another one is not retried", (mesh) => {
	mesh.agent("a1");
	const codes = { on: ["error", "oom"] as FailureCause[], exitCodes: [75, 137] };
	expect(isRetried(mesh, codes, "error", 75)).toBe(true);
	expect(isRetried(mesh, codes, "error", 1)).toBe(false);
	expect(isRetried(mesh, codes, "error")).toBe(false);
	expect(isRetried(mesh, codes, "oom", 1)).toBe(true);
});

story("each further one waits longer, an hour at most", (mesh) => {
	mesh.agent("a1");
	mesh.submit(pipelineOf(stepOf("one", retries({ max: 5, delayMs: 10_000, backoff: 10 }))));
	const waits: number[] = [];
	for (let attempt = 1; attempt <= 5; attempt++) {
		mesh.fail(mesh.takeTask("one"));
		const [last] = mesh.events("stepRetryScheduled").slice(-1);
		waits.push((last?.notBeforeMs ?? 0) - mesh.nowMs);
		mesh.wait((waits.at(-1) ?? 0) - 1);
		expect(mesh.tasks).toEqual([]);
		mesh.wait(1);
	}
	expect(waits).toEqual([10_000, 100_000, 1_000_000, 3_600_000, 3_600_000]);
	mesh.fail(mesh.takeTask("one"));
	expect(mesh.outcome("r1" as never)).toBe("failed");
	expect(mesh.events("stepRetryScheduled")[1]?.reason).toBe("attempt 2 failed (error); retry 2 of 5");
});

story("losses have a budget of their own", (mesh) => {
	const a1 = mesh.agent("a1");
	const run = mesh.submit(pipelineOf(stepOf("one", retries({ max: 1, lost: 2 }))));
	for (let loss = 1; loss <= 2; loss++) {
		mesh.start(mesh.takeTask("one"));
		mesh.forget(a1, `s${loss}`);
	}
	mesh.fail(mesh.takeTask("one"));
	mesh.wait(1_000);
	mesh.start(mesh.takeTask("one"));
	mesh.forget(a1, "s3");
	expect(mesh.word(run, "one")).toBe("lost: lost 3 times, the last time since a1 no longer knows it");
});

story("with `lost` in `on`, losses beyond their budget count as retries", (mesh) => {
	mesh.agent("a1");
	const lost = { failure: { cause: "lost", message: "the machine restarted", signal: "" } } as const;
	const run = mesh.submit(pipelineOf(stepOf("one", retries({ max: 2, on: ["error", "lost"], lost: 1 }))));
	mesh.finish(mesh.takeTask("one"), "failed", lost);
	mesh.finish(mesh.takeTask("one"), "failed", lost);
	mesh.fail(mesh.takeTask("one"));
	mesh.wait(3_000);
	mesh.finish(mesh.takeTask("one"), "failed", lost);
	expect(mesh.settled(run)).toEqual({ one: "failed" });
});

story("an attempt that its agent stopped unasked is started again", (mesh) => {
	mesh.agent("a1");
	const run = mesh.submit(pipelineOf(stepOf("one")));
	mesh.finish(mesh.takeTask("one"), "cancelled");
	mesh.finish(mesh.takeTask("one"));
	expect(mesh.events("stepRetryScheduled")[0]?.reason).toBe("a1 stopped it unasked");
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("a step handed back is offered to others, and after a while to the same agent again", (mesh) => {
	mesh.agent("a1");
	const run = mesh.submit(pipelineOf(stepOf("one")));
	mesh.decline(mesh.takeTask("one"), "disk full");
	mesh.wait(1_000);
	expect(mesh.steps(run).one).toMatch(mesh.manyLeaders ? /leased/ : /ready/);
	mesh.wait(5_000);
	mesh.finish(mesh.takeTask("one"));
	expect(mesh.outcome(run)).toBe("succeeded");
});
