import { expect } from "vitest";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { story, when } from "#test/support/story-mesh.ts";

const after = (need: string, condition: string, more = {}) => ({ needs: [need], ...when(condition), ...more });

story("a failure: what asks for it runs, what asks for success does not", (mesh) => {
	mesh.agent("a1", 8);
	const run = mesh.submit(
		pipelineOf(
			stepOf("one"),
			stepOf("onFailed", after("one", "failed()")),
			stepOf("onSucceeded", after("one", "succeeded()")),
			stepOf("always", after("one", "always()")),
			stepOf("byState", after("one", "steps.one.state == 'failed'")),
			stepOf("plain", after("one", "1 == 1")),
		),
	);
	mesh.finish(mesh.takeTask("one"), "failed");
	for (const key of ["onFailed", "always", "byState"]) mesh.finish(mesh.takeTask(key));
	expect(mesh.settled(run)).toEqual({
		...{ one: "failed", onFailed: "succeeded", onSucceeded: "skipped", always: "succeeded" },
		...{ byState: "succeeded", plain: "skipped" },
	});
	expect(mesh.word(run, "onSucceeded")).toBe("`if` does not hold: succeeded() is false");
	expect(mesh.word(run, "plain")).toBe("one failed");
	expect(mesh.outcome(run)).toBe("failed");
});

story("a success: the other way round", (mesh) => {
	mesh.agent("a1", 8);
	const run = mesh.submit(
		pipelineOf(
			stepOf("one"),
			stepOf("onFailed", after("one", "failed()")),
			stepOf("onSucceeded", after("one", "succeeded()")),
			stepOf("always", after("one", "always()")),
			stepOf("plain", after("one", "1 == 2")),
		),
	);
	mesh.finish(mesh.takeTask("one"));
	mesh.finish(mesh.takeTask("onSucceeded"));
	mesh.finish(mesh.takeTask("always"));
	expect(mesh.settled(run)).toMatchObject({ onFailed: "skipped", plain: "skipped" });
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("a step whose needs settle one by one is asked once all have", (mesh) => {
	mesh.agent("a1", 8);
	const run = mesh.submit(
		pipelineOf(stepOf("one"), stepOf("two"), stepOf("end", { needs: ["one", "two"], ...when("failed()") })),
	);
	mesh.finish(mesh.takeTask("one"), "failed");
	expect(mesh.steps(run).end).toBe("waiting");
	mesh.finish(mesh.takeTask("two"));
	mesh.finish(mesh.takeTask("end"));
	expect(mesh.outcome(run)).toBe("failed");
});

story("a matrix step failed when a cell has, whatever became of the others", (mesh) => {
	mesh.agent("a1", 8);
	const run = mesh.submit(
		pipelineOf(
			stepOf("train", { matrix: { lr: [1, 2, 3] } }),
			stepOf("rescue", after("train", "steps.train.state == 'failed'")),
			stepOf("behind", { needs: ["train"] }),
		),
	);
	mesh.finish(mesh.takeTask("train.1"), "failed");
	expect(mesh.steps(run)).toMatchObject({ rescue: "waiting", behind: "skipped" });
	mesh.cancelStep(run, "train.2");
	mesh.finish(mesh.takeTask("train.2"), "cancelled");
	mesh.finish(mesh.takeTask("train.0"));
	mesh.finish(mesh.takeTask("rescue"));
	expect(mesh.outcome(run)).toBe("cancelled");
});

story("a matrix step is skipped only when all its cells are", (mesh) => {
	mesh.agent("a1", 8);
	const cells = { matrix: { n: [1, 2] } };
	const run = mesh.submit(
		pipelineOf(
			stepOf("some", { ...cells, ...when("matrix.n == 1") }),
			stepOf("none", { ...cells, ...when("matrix.n == 3") }),
			stepOf("tell", {
				needs: ["some", "none"],
				...when("steps.none.state == 'skipped' && steps.some.state != 'skipped'"),
			}),
			stepOf("behind", { needs: ["some"] }),
		),
	);
	mesh.finish(mesh.takeTask("some.0"));
	mesh.finish(mesh.takeTask("tell"));
	// One of its cells has not succeeded.
	expect(mesh.settled(run)).toMatchObject({ "some.1": "skipped", behind: "skipped", tell: "succeeded" });
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("what an output says and a metric measures decides", (mesh) => {
	mesh.agent("a1", 8);
	const check = stepOf("check", { outputs: { verdict: "v" }, values: ["verdict"] });
	const run = mesh.submit(
		pipelineOf(
			check,
			stepOf("ship", after("check", "steps.check.outputs.verdict == 'yes' && steps.check.metrics.accuracy >= 0.9")),
			stepOf("again", after("check", "steps.check.metrics.accuracy < 0.9")),
			stepOf("unknown", after("check", "steps.check.metrics.latency < 5")),
		),
	);
	mesh.finish(mesh.takeTask("check"), "succeeded", {
		values: { verdict: "yes" },
		metrics: [{ name: "accuracy", value: 0.95, step: 1 }],
	});
	mesh.finish(mesh.takeTask("ship"));
	expect(mesh.events("stepReadied", run).map(({ reason }) => reason)).toEqual([
		'`if` holds: steps.check.outputs.verdict is "yes", steps.check.metrics.accuracy is 0.95',
	]);
	expect(mesh.word(run, "again")).toBe("`if` does not hold: steps.check.metrics.accuracy is 0.95");
	expect(mesh.word(run, "unknown")).toContain("not reported");
});

story("parameters decide at once, and a skip runs down the graph as far as nobody asks", (mesh) => {
	mesh.agent("a1", 8);
	const run = mesh.submit(
		pipelineOf(
			stepOf("first", when("params.deep")),
			stepOf("second", { needs: ["first"] }),
			stepOf("third", { needs: ["second"] }),
			stepOf("report", after("third", "always()")),
			stepOf("behind", { needs: ["report"] }),
		),
		"r1",
		{ params: { deep: false } },
	);
	expect(mesh.settled(run)).toEqual({ first: "skipped", second: "skipped", third: "skipped" });
	mesh.finish(mesh.takeTask("report"));
	mesh.finish(mesh.takeTask("behind"));
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("a step that runs after a failure runs without the inputs that the failed one should have left", (mesh) => {
	mesh.agent("a1", 8);
	const gate = { metric: "accuracy", operator: ">=" as const, value: 0.95, source: "accuracy >= 0.95" };
	mesh.submit(
		pipelineOf(
			stepOf("good", { outputs: { data: "d" } }),
			stepOf("gated", { outputs: { model: "m" }, gates: [gate] }),
			stepOf("end", {
				needs: ["good", "gated"],
				inputs: { data: { step: "good", output: "data" }, model: { step: "gated", output: "model" } },
				...when("always()"),
			}),
		),
	);
	mesh.finish(mesh.takeTask("good"));
	// It left its output, and its gate does not hold.
	mesh.finish(mesh.takeTask("gated"), "succeeded", { metrics: [{ name: "accuracy", value: 0.5, step: 0 }] });
	expect(mesh.takeTask("end").inputs.map(({ name }) => name)).toEqual(["data"]);
});
