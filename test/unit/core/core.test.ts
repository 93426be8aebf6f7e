import { describe, expect, it } from "vitest";
import { CoreMesh } from "#test/support/core-mesh.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";

describe("a graph", () => {
	it("runs steps when their needs have succeeded, and ends green", () => {
		const mesh = new CoreMesh();
		mesh.agent("a1");
		const run = mesh.submit(pipelineOf(stepOf("one"), stepOf("two", { needs: ["one"] })));
		const one = mesh.takeTask("one");
		expect(mesh.tasks).toEqual([]);
		mesh.start(one);
		mesh.finish(one);
		mesh.finish(mesh.takeTask("two"));
		expect(mesh.outcome(run)).toBe("succeeded");
		expect(mesh.state.runs.size).toBe(0);
		expect(mesh.state.attempts.size).toBe(0);
	});

	it("waits for every cell of a matrix, selects the best and hands its outputs on", () => {
		const mesh = new CoreMesh();
		mesh.agent("a1", 4);
		const run = mesh.submit(
			pipelineOf(
				stepOf("train", { matrix: { lr: [0.1, 0.2, 0.3] }, outputs: { model: "m" } }),
				stepOf("best", {
					needs: ["train"],
					action: { kind: "select", from: "train", metric: "accuracy", mode: "max" },
				}),
				stepOf("check", { needs: ["best"], inputs: { model: { step: "best", output: "model" } } }),
			),
		);
		const cells = ["train.0", "train.1", "train.2"].map((key) => mesh.takeTask(key));
		for (const [index, cell] of cells.entries()) {
			expect(mesh.settled(run).best).toBeUndefined();
			mesh.finish(cell, "succeeded", { metrics: [{ name: "accuracy", value: [0.7, 0.9, 0.8][index] ?? 0, step: 1 }] });
		}
		expect(mesh.settled(run).best).toBe("succeeded");
		expect(mesh.takeTask("check").inputs).toMatchObject([{ name: "model" }]);
	});

	it("skips what stands behind a failure, lets other branches end, and fails the run", () => {
		const mesh = new CoreMesh();
		mesh.agent("a1");
		const run = mesh.submit(
			pipelineOf(
				stepOf("bad"),
				stepOf("behind", { needs: ["bad"] }),
				stepOf("far", { needs: ["behind"] }),
				stepOf("other"),
			),
		);
		mesh.finish(mesh.takeTask("bad"), "failed");
		expect(mesh.outcome(run)).toBeNull();
		mesh.finish(mesh.takeTask("other"));
		expect(mesh.settled(run)).toEqual({ bad: "failed", behind: "skipped", far: "skipped", other: "succeeded" });
		expect(mesh.outcome(run)).toBe("failed");
	});

	it("fails an attempt whose gate does not hold, naming the metric", () => {
		const mesh = new CoreMesh();
		mesh.agent("a1");
		const gate = { metric: "accuracy", operator: ">=" as const, value: 0.95, source: "accuracy >= 0.95" };
		const run = mesh.submit(pipelineOf(stepOf("validate", { gates: [gate] })));
		const events = mesh.finish(mesh.takeTask("validate"), "succeeded", {
			metrics: [{ name: "accuracy", value: 0.9, step: 0 }],
		});
		expect(events).toContainEqual(
			expect.objectContaining({ kind: "stepSettled", failure: expect.objectContaining({ cause: "gate" }) }),
		);
		expect(mesh.outcome(run)).toBe("failed");
	});

	it("takes the same submission for one run", () => {
		const mesh = new CoreMesh();
		mesh.submit(pipelineOf(stepOf("one")), "r1", { submissionId: "same" });
		mesh.submit(pipelineOf(stepOf("one")), "r2", { submissionId: "same" });
		expect([...mesh.state.runs.keys()]).toEqual(["r1"]);
	});
});

describe("retries", () => {
	const retried = stepOf("one", {
		retries: { max: 1, on: ["error"], exitCodes: [], delayMs: 5_000, backoff: 2, lost: 3 },
	});

	it("come after their delay, as new attempts, and end with the budget", () => {
		const mesh = new CoreMesh();
		mesh.agent("a1");
		const run = mesh.submit(pipelineOf(retried));
		mesh.finish(mesh.takeTask("one"), "failed");
		mesh.give({ kind: "tick" });
		expect(mesh.tasks).toEqual([]);
		mesh.nowMs += 5_000;
		mesh.give({ kind: "tick" });
		const second = mesh.takeTask("one");
		expect(second.attemptNumber).toBe(2);
		mesh.finish(second, "failed");
		expect(mesh.outcome(run)).toBe("failed");
	});

	it("leave out causes that are not named", () => {
		const mesh = new CoreMesh();
		mesh.agent("a1");
		const run = mesh.submit(pipelineOf(retried));
		mesh.finish(mesh.takeTask("one"), "failed", { failure: { cause: "timeout", message: "", signal: "" } });
		expect(mesh.outcome(run)).toBe("failed");
	});

	it("a declined task goes to another agent", () => {
		const mesh = new CoreMesh();
		mesh.agent("a1");
		mesh.agent("a2");
		mesh.submit(pipelineOf(retried));
		const task = mesh.takeTask("one");
		const first = mesh.holder(task);
		mesh.decline(task, "disk full");
		mesh.nowMs += 1_000;
		mesh.give({ kind: "tick" });
		expect(mesh.holder(mesh.takeTask("one"))).not.toBe(first);
	});
});

describe("leases", () => {
	it("an agent that is not heard loses its attempts, which run elsewhere", () => {
		const mesh = new CoreMesh();
		const a1 = mesh.agent("a1");
		const run = mesh.submit(pipelineOf(stepOf("one")));
		const task = mesh.takeTask("one");
		mesh.start(task);
		const a2 = mesh.agent("a2");
		mesh.nowMs += 31_000;
		mesh.beat(a2);
		mesh.give({ kind: "tick" });
		const again = mesh.takeTask("one");
		expect(mesh.holder(again)).toBe(a2);
		// The superseded one comes late: it is told to stop, and its word does not count.
		expect(mesh.beat(a1, [task]).stop).toMatchObject([{ attemptId: task.attemptId }]);
		mesh.finish(task, "failed", { agentId: a1 });
		expect(mesh.outcome(run)).toBeNull();
		mesh.finish(again);
		expect(mesh.outcome(run)).toBe("succeeded");
	});

	it("a late result of a lost attempt that nothing superseded is taken", () => {
		const mesh = new CoreMesh();
		const a1 = mesh.agent("a1");
		const run = mesh.submit(pipelineOf(stepOf("one")));
		const task = mesh.takeTask("one");
		mesh.start(task);
		mesh.nowMs += 31_000;
		mesh.give({ kind: "tick" });
		expect(mesh.tasks).toEqual([]);
		mesh.finish(task, "succeeded", { agentId: a1 });
		expect(mesh.outcome(run)).toBe("succeeded");
	});

	it("a lost attempt that is seen running again goes on", () => {
		const mesh = new CoreMesh();
		const a1 = mesh.agent("a1");
		const run = mesh.submit(pipelineOf(stepOf("one")));
		const task = mesh.takeTask("one");
		mesh.start(task);
		mesh.nowMs += 31_000;
		mesh.give({ kind: "tick" });
		expect(mesh.beat(a1, [task])).toMatchObject({ stop: [], settled: [], leave: false });
		expect(mesh.tasks).toEqual([]);
		mesh.finish(task);
		expect(mesh.outcome(run)).toBe("succeeded");
	});

	it("fails a step that is lost beyond its budget", () => {
		const mesh = new CoreMesh();
		const run = mesh.submit(pipelineOf(stepOf("one")));
		for (let life = 0; life < 4; life++) {
			mesh.agent("a1");
			mesh.takeTask("one");
			mesh.nowMs += 31_000;
			mesh.give({ kind: "tick" });
		}
		expect(mesh.outcome(run)).toBe("failed");
	});

	it("sends a task again that no heartbeat shows", () => {
		const mesh = new CoreMesh();
		const a1 = mesh.agent("a1");
		mesh.submit(pipelineOf(stepOf("one")));
		const task = mesh.takeTask("one");
		mesh.nowMs += 2_000;
		mesh.beat(a1);
		expect(mesh.tasks).toEqual([]);
		mesh.nowMs += 4_000;
		mesh.beat(a1);
		expect(mesh.takeTask("one").attemptId).toBe(task.attemptId);
	});

	it("an attempt that ended with its machine is lost, and costs no retry", () => {
		const mesh = new CoreMesh();
		const a1 = mesh.agent("a1");
		mesh.submit(pipelineOf(stepOf("one")));
		const task = mesh.takeTask("one");
		const failure = { cause: "lost", message: "the machine restarted", signal: "" } as const;
		mesh.finish(task, "failed", { failure });
		const again = mesh.takeTask("one");
		expect(again.attemptNumber).toBe(2);
		// Superseded, the agent may forget the first.
		expect(mesh.beat(a1, [task], "s1", "finished").settled).toEqual([task.attemptId]);
	});

	it("an outcome is settled only when its attempt is over", () => {
		const mesh = new CoreMesh();
		const a1 = mesh.agent("a1");
		mesh.submit(pipelineOf(stepOf("one")));
		const task = mesh.takeTask("one");
		expect(mesh.beat(a1, [task], "s1", "finished").settled).toEqual([]);
		mesh.finish(task);
		expect(mesh.beat(a1, [task], "s1", "finished").settled).toEqual([task.attemptId]);
	});

	it("an attempt that its agent no longer knows is lost", () => {
		const mesh = new CoreMesh();
		const a1 = mesh.agent("a1");
		mesh.submit(pipelineOf(stepOf("one")));
		mesh.start(mesh.takeTask("one"));
		mesh.beat(a1, [], "s2");
		mesh.beat(a1, [], "s2");
		expect(mesh.takeTask("one").attemptNumber).toBe(2);
	});
});

describe("a new leader", () => {
	it("goes on where the journal ends: live attempts stay, unsent tasks are sent", () => {
		const mesh = new CoreMesh();
		const a1 = mesh.agent("a1", 2);
		const run = mesh.submit(pipelineOf(stepOf("one"), stepOf("two"), stepOf("three", { needs: ["one", "two"] })));
		const one = mesh.takeTask("one");
		const two = mesh.takeTask("two");
		mesh.start(one);
		mesh.restart();
		mesh.agent("a1", 2);
		expect(mesh.tasks.map((task) => task.attemptId)).toEqual([two.attemptId]);
		mesh.finish(one, "succeeded", { agentId: a1 });
		mesh.finish(two, "succeeded", { agentId: a1 });
		mesh.finish(mesh.takeTask("three"));
		expect(mesh.outcome(run)).toBe("succeeded");
	});

	it("counts what runs against the capacity that agents advertise later", () => {
		const mesh = new CoreMesh();
		mesh.agent("a1", 1);
		mesh.submit(pipelineOf(stepOf("one"), stepOf("two")));
		const one = mesh.takeTask("one");
		mesh.start(one);
		mesh.restart();
		mesh.agent("a1", 1);
		expect(mesh.tasks).toEqual([]);
		mesh.finish(one);
		mesh.takeTask("two");
	});

	it("replays a step that had left its backoff", () => {
		const mesh = new CoreMesh();
		mesh.agent("a1");
		const run = mesh.submit(
			pipelineOf(stepOf("one", { retries: { max: 1, on: ["error"], exitCodes: [], delayMs: 1, backoff: 1, lost: 3 } })),
		);
		mesh.finish(mesh.takeTask("one"), "failed");
		mesh.nowMs += 10;
		mesh.give({ kind: "tick" });
		const second = mesh.takeTask("one");
		mesh.restart();
		mesh.finish(second);
		expect(mesh.outcome(run)).toBe("succeeded");
	});
});

describe("cancel", () => {
	it("ends what waits at once and what runs when its agent says so", () => {
		const mesh = new CoreMesh();
		const a1 = mesh.agent("a1");
		const run = mesh.submit(pipelineOf(stepOf("one"), stepOf("two", { needs: ["one"] })));
		const task = mesh.takeTask("one");
		mesh.start(task);
		mesh.give({ kind: "cancelRun", runId: run, reason: "asked" });
		expect(mesh.effects).toContainEqual(expect.objectContaining({ kind: "sendControl", agentId: a1 }));
		expect(mesh.beat(a1, [task]).stop).toHaveLength(1);
		expect(mesh.outcome(run)).toBeNull();
		mesh.finish(task, "cancelled");
		expect(mesh.outcome(run)).toBe("cancelled");
	});
});

describe("placement", () => {
	it("keeps within capacity, takes the higher priority first, and keeps GPU agents for GPU steps", () => {
		const mesh = new CoreMesh();
		mesh.agent("cpu", 1);
		const gpu = mesh.agent("gpu", 2, { gpus: 1 });
		mesh.submit(
			pipelineOf(
				stepOf("low", { priority: 10 }),
				stepOf("high", { priority: 90 }),
				stepOf("deep", {
					resources: {
						cpuMillis: 1000,
						memoryBytes: 0,
						gpu: { count: 1, memoryBytes: 0, model: "" },
						diskBytes: 0,
						named: {},
					},
				}),
				stepOf("huge", { resources: { cpuMillis: 64_000, memoryBytes: 0, gpu: null, diskBytes: 0, named: {} } }),
			),
		);
		expect(mesh.holder(mesh.takeTask("deep"))).toBe(gpu);
		expect(mesh.holder(mesh.takeTask("high"))).toBe("cpu");
		expect(mesh.holder(mesh.takeTask("low"))).toBe(gpu);
		expect(mesh.tasks).toEqual([]);
	});

	it("shares a device by memory and never over it", () => {
		const mesh = new CoreMesh();
		mesh.agent("gpu", 8, { gpus: 1 });
		const share = {
			cpuMillis: 1000,
			memoryBytes: 0,
			gpu: { count: 1, memoryBytes: 15e9, model: "a100" },
			diskBytes: 0,
			named: {},
		};
		mesh.submit(
			pipelineOf(
				stepOf("one", { resources: share }),
				stepOf("two", { resources: share }),
				stepOf("three", { resources: share }),
			),
		);
		expect(mesh.tasks).toHaveLength(2);
	});

	it("goes by labels", () => {
		const mesh = new CoreMesh();
		mesh.agent("a1", 4);
		const b = mesh.agent("b1", 4, { labels: { site: "lab" } });
		mesh.submit(pipelineOf(stepOf("one", { labels: { site: "lab" } })));
		expect(mesh.holder(mesh.takeTask("one"))).toBe(b);
	});
});

describe("deploy", () => {
	it("that wants more agents than there are holds up no other", () => {
		const mesh = new CoreMesh();
		const a1 = mesh.agent("a1");
		const on = (name: string, replicas: number) =>
			pipelineOf(
				stepOf("train", { outputs: { model: "model.onnx" } }),
				stepOf("deploy", {
					needs: ["train"],
					action: { kind: "deploy", model: { step: "train", output: "model" }, golden: null, name, replicas },
				}),
			);
		mesh.submit(on("large", 3), "r1" as never);
		mesh.finish(mesh.takeTask("train"));
		mesh.submit(on("small", 1), "r2" as never);
		mesh.finish(mesh.takeTask("train"));
		expect(mesh.state.deployments.get("large")).toBeUndefined();
		expect(mesh.state.deployments.get("small")?.agentIds).toEqual([a1]);
	});

	const deployed = pipelineOf(
		stepOf("train", { outputs: { model: "m" } }),
		stepOf("deploy", {
			needs: ["train"],
			action: { kind: "deploy", model: { step: "train", output: "model" }, golden: null, name: "digits", replicas: 1 },
		}),
	);

	it("ends when every replica serves", () => {
		const mesh = new CoreMesh();
		const a1 = mesh.agent("a1", 2);
		const run = mesh.submit(deployed);
		mesh.finish(mesh.takeTask("train"));
		expect(mesh.effects).toContainEqual(expect.objectContaining({ kind: "putServing", agentId: a1 }));
		mesh.replica(a1, "digits", 1, 7, "serving");
		expect(mesh.outcome(run)).toBeNull();
		mesh.replica(a1, "digits", 1, 1, "serving");
		expect(mesh.outcome(run)).toBe("succeeded");
	});

	it("returns to what served before when the new version is refused", () => {
		const mesh = new CoreMesh();
		const a1 = mesh.agent("a1", 2);
		mesh.submit(deployed);
		mesh.finish(mesh.takeTask("train"));
		mesh.replica(a1, "digits", 1, 1, "serving");
		const before = mesh.state.deployments.get("digits")?.runId;
		const second = mesh.submit(deployed, "r2" as never);
		mesh.finish(mesh.takeTask("train"));
		mesh.replica(a1, "digits", 1, 2, "failed");
		expect(mesh.outcome(second)).toBe("failed");
		expect(mesh.state.deployments.get("digits")).toMatchObject({ runId: before, revision: 3, agentIds: [a1] });
	});

	it("waits while no agent takes work", () => {
		const mesh = new CoreMesh();
		mesh.agent("a1");
		const run = mesh.submit(deployed);
		const train = mesh.takeTask("train");
		mesh.cordon("a1");
		mesh.finish(train);
		const a2 = mesh.agent("a2");
		mesh.give({ kind: "tick" });
		mesh.replica(a2, "digits", 1, 1, "serving");
		expect(mesh.outcome(run)).toBe("succeeded");
	});
});
