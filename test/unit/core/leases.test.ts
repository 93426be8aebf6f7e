import { expect } from "vitest";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { type StoryMesh, story } from "#test/support/story-mesh.ts";

const leased = (mesh: StoryMesh) => {
	const agentId = mesh.agent("a1");
	const run = mesh.submit(pipelineOf(stepOf("one")));
	return { agentId, run, task: mesh.takeTask("one") };
};

story("each new lease carries a higher fence, and its id the attempt's number", (mesh) => {
	const { task, run } = leased(mesh);
	mesh.finish(task, "cancelled");
	const second = mesh.takeTask("one");
	expect(second.fence).toBeGreaterThan(task.fence);
	expect([task.attemptId, second.attemptId]).toEqual([`${run}.one.1`, `${run}.one.2`]);
});

story("a report with another fence, of another agent or about nothing is history", (mesh) => {
	const { run, task } = leased(mesh);
	const other = mesh.agent("a2");
	mesh.finish({ ...task, fence: task.fence + 1 }, "failed");
	mesh.finish(task, "failed", { agentId: other });
	mesh.finish({ ...task, attemptId: "r1.one.9" as never }, "failed", { agentId: other });
	mesh.start({ ...task, fence: task.fence - 1 });
	expect(mesh.steps(run)).toEqual({ one: "leased" });
	mesh.finish(task);
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("a report that comes twice counts once", (mesh) => {
	const { run, task } = leased(mesh);
	mesh.start(task);
	mesh.start(task);
	mesh.finish(task);
	mesh.finish(task, "failed");
	expect(mesh.events("attemptStarted")).toHaveLength(1);
	expect(mesh.events("attemptEnded")).toHaveLength(1);
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("a heartbeat that shows it running starts it, one that shows it accepted does not", (mesh) => {
	const { agentId, run, task } = leased(mesh);
	mesh.beat(agentId, [task], "s1", "accepted");
	expect(mesh.steps(run).one).toBe("leased");
	mesh.beat(agentId, [task], "s1", "running");
	expect(mesh.steps(run).one).toBe("running");
});

story("what is listed is stopped when its run is cancelled, over, or unknown", (mesh) => {
	const { agentId, run, task } = leased(mesh);
	const stray = { ...task, attemptId: "r9.one.1" as never };
	expect(mesh.beat(agentId, [task, stray]).stop.map(({ attemptId }) => attemptId)).toEqual(["r9.one.1"]);
	mesh.cancelRun(run);
	expect(mesh.beat(agentId, [task]).stop).toMatchObject([{ attemptId: task.attemptId }]);
	mesh.finish(task, "cancelled");
	expect(mesh.beat(agentId, [task]).stop).toMatchObject([{ reason: "superseded, or its run is over" }]);
});

story("an outcome may be forgotten when the journal has it, and not before", (mesh) => {
	const { agentId, task } = leased(mesh);
	expect(mesh.beat(agentId, [task], "s1", "finished")).toMatchObject({ stop: [], settled: [], leave: false });
	mesh.finish(task);
	expect(mesh.beat(agentId, [task], "s1", "finished").settled).toEqual([task.attemptId]);
});

story("silence up to the lease is nothing", (mesh) => {
	const { agentId, run, task } = leased(mesh);
	mesh.start(task);
	mesh.nowMs += 30_000;
	mesh.give({ kind: "tick" });
	expect(mesh.steps(run).one).toBe("running");
	mesh.beat(agentId, [task]);
	mesh.nowMs += 30_000;
	mesh.give({ kind: "tick" });
	expect(mesh.steps(run).one).toBe("running");
});

story("a new leader grants a fresh lease: silence before it doesn't count", (mesh) => {
	const { run, task } = leased(mesh);
	mesh.start(task);
	mesh.nowMs += 29_000;
	mesh.handOver();
	mesh.nowMs += 29_000;
	mesh.give({ kind: "tick" });
	expect(mesh.steps(run).one).toBe("running");
});

story("an agent that is known by its lease alone has it until it runs out", (mesh) => {
	const { run, task } = leased(mesh);
	mesh.start(task);
	mesh.manyLeaders = false;
	// Nobody is heard after it.
	mesh.restart();
	mesh.nowMs += 30_000;
	mesh.give({ kind: "tick" });
	expect(mesh.steps(run).one).toBe("running");
	mesh.nowMs += 1;
	mesh.give({ kind: "tick" });
	expect(mesh.events("attemptEnded", run)).toMatchObject([{ state: "lost" }]);
});

story("while the leader was away no lease ran out", (mesh) => {
	const { agentId, run, task } = leased(mesh);
	mesh.start(task);
	mesh.manyLeaders = false;
	mesh.nowMs += 300_000;
	mesh.give({ kind: "leaderWasAway", forMs: 300_000 }, { kind: "tick" });
	expect(mesh.steps(run).one).toBe("running");
	expect(mesh.beat(agentId, [task])).toMatchObject({ stop: [], settled: [], leave: false });
});

story("an agent that drains or is cordoned keeps what it has and gets nothing new", (mesh) => {
	const { run, task } = leased(mesh);
	mesh.manyLeaders = false;
	mesh.cordon("a1");
	const second = mesh.submit(pipelineOf(stepOf("two")), "r2");
	mesh.wait(60_000);
	expect(mesh.steps(second).two).toBe("ready");
	mesh.finish(task);
	expect(mesh.outcome(run)).toBe("succeeded");
	expect(mesh.steps(second).two).toBe("ready");
});
