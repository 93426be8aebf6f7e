import { expect } from "vitest";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { retries, type StoryMesh, story } from "#test/support/story-mesh.ts";

const patient = { lostWaitMs: 600_000 };

const lost = (mesh: StoryMesh, changes = {}) => {
	const a1 = mesh.agent("a1");
	const run = mesh.submit(pipelineOf(stepOf("one", { ...patient, ...changes })));
	const task = mesh.takeTask("one");
	mesh.start(task);
	mesh.agent("a2");
	mesh.lose(a1);
	expect(mesh.events("attemptEnded", run)).toMatchObject([{ state: "lost" }]);
	expect(mesh.steps(run).one).toBe("backoff");
	return { a1, run, task };
};

story("a lost attempt is waited for, then another one is started", (mesh) => {
	const { run } = lost(mesh);
	mesh.wait(500_000);
	expect(mesh.steps(run).one).toBe("backoff");
	mesh.wait(100_001);
	const again = mesh.takeTask("one");
	expect(mesh.holder(again)).toBe("a2");
	mesh.finish(again);
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("its late result counts while it is waited for", (mesh) => {
	const { a1, run, task } = lost(mesh);
	mesh.wait(500_000);
	mesh.finish(task, "succeeded", { agentId: a1 });
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("its late failure is a failure, and no loss", (mesh) => {
	const { a1, run, task } = lost(mesh, retries({ max: 1, lost: 0, on: ["error", "lost"] }));
	mesh.finish(task, "failed", { agentId: a1 });
	mesh.wait(1_000);
	mesh.finish(mesh.takeTask("one"));
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("a sign of life takes it back, as often as it comes", (mesh) => {
	const { a1, run, task } = lost(mesh, retries({ lost: 1 }));
	for (let time = 0; time < 5; time++) {
		mesh.comeBack(a1);
		expect(mesh.beat(a1, [task])).toMatchObject({ stop: [], settled: [], leave: false });
		expect(mesh.steps(run).one).toBe("running");
		mesh.lose(a1);
		expect(mesh.steps(run).one).toBe("backoff");
	}
	mesh.comeBack(a1);
	mesh.beat(a1, [task]);
	mesh.finish(task);
	expect(mesh.outcome(run)).toBe("succeeded");
	expect(mesh.events("attemptLeased")).toHaveLength(1);
});

story("once another is started, the first is told to stop and its result is history", (mesh) => {
	const { a1, run, task } = lost(mesh);
	mesh.wait(600_001);
	const second = mesh.takeTask("one");
	expect(mesh.beat(a1, [task]).stop).toMatchObject([{ attemptId: task.attemptId }]);
	mesh.finish(task, "succeeded", { agentId: a1 });
	expect(mesh.outcome(run)).toBeNull();
	expect(mesh.beat(a1, [task], "s1", "finished").settled).toEqual([task.attemptId]);
	mesh.finish(second);
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("an agent that says itself that it is gone is not waited for", (mesh) => {
	const a1 = mesh.agent("a1");
	mesh.submit(pipelineOf(stepOf("one", patient)));
	const failure = { cause: "lost", message: "the machine restarted", signal: "" } as const;
	mesh.finish(mesh.takeTask("one"), "failed", { failure });
	mesh.start(mesh.takeTask("one"));
	mesh.forget(a1, "s2");
	expect(mesh.takeTask("one").attemptNumber).toBe(3);
});

story("an attempt of another agent is none of its business", (mesh) => {
	mesh.agent("a1", 1);
	const run = mesh.submit(pipelineOf(stepOf("one")));
	const task = mesh.takeTask("one");
	const a2 = mesh.agent("a2", 1);
	expect(mesh.beat(a2, [task]).stop).toHaveLength(1);
	expect(mesh.steps(run).one).toBe("leased");
	mesh.finish(task, "succeeded", { agentId: a2 });
	expect(mesh.outcome(run)).toBeNull();
});

story("an agent that comes back and says that it is gone ends the wait", (mesh) => {
	const { a1, run, task } = lost(mesh);
	const failure = { cause: "lost", message: "the machine restarted", signal: "" } as const;
	mesh.finish(task, "failed", { agentId: a1, failure });
	expect(mesh.events("attemptEnded", run)).toMatchObject([{ state: "lost" }, { state: "lost", failure }]);
	expect(mesh.beat(a1, [task], "s1", "finished").settled).toEqual([task.attemptId]);
	expect(mesh.takeTask("one").attemptNumber).toBe(2);
});
