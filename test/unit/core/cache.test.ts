import { expect } from "vitest";
import type { Input } from "#coordinator/core/inputs.ts";
import type { ArtifactRef, CodeUse } from "#shared/domain.ts";
import type { RunId } from "#shared/ids.ts";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { cached, type StoryMesh, story } from "#test/support/story-mesh.ts";

const codeOf = (letter: string): ArtifactRef => ({
	name: "code",
	digest: `sha256:${letter.repeat(64)}` as never,
	sizeBytes: 1,
	fileCount: 1,
	holders: ["coordinator"],
});
const codeUse: CodeUse = { paths: ["train.py"], key: "k", readsParams: true };
const train = (changes: Partial<StepDefinition> = {}) =>
	stepOf("train", { ...cached(), outputs: { model: "m" }, ...changes });

const submit = (
	mesh: StoryMesh,
	run: string,
	step: StepDefinition = train(),
	more: Partial<Extract<Input, { kind: "submitRun" }>> = {},
): RunId => mesh.submit(pipelineOf(step), run, { code: codeOf("a"), ...more });

const recorded = (
	mesh: StoryMesh,
	step: StepDefinition = train(),
	metrics = [{ name: "accuracy", value: 0.9, step: 1 }],
) => {
	mesh.agent("a1", 8);
	submit(mesh, "r1", step);
	mesh.finish(mesh.takeTask("train"), "succeeded", { codeUse, metrics });
};

const lastWord = (mesh: StoryMesh, run: RunId) => mesh.events("cacheChecked", run).at(-1);

story("the same step on the same code is not run again", (mesh) => {
	recorded(mesh);
	expect(lastWord(mesh, "r1" as RunId)).toMatchObject({ hit: false, reason: "no result of this step is recorded" });
	const run = submit(mesh, "r2");
	expect(lastWord(mesh, run)).toMatchObject({ hit: true, sourceRunId: "r1", sourceStepKey: "train" });
	expect(mesh.word(run, "train")).toBe("taken from run r1");
	expect(mesh.events("stepSettled", run)[0]).toMatchObject({
		outputs: [{ name: "model" }],
		metrics: [{ name: "accuracy", value: 0.9 }],
	});
	expect(mesh.events("attemptLeased", run)).toEqual([]);
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("on other code it is asked whether what was read is the same", (mesh) => {
	recorded(mesh);
	const run = submit(mesh, "r2", train(), { code: codeOf("b") });
	const asked = mesh.effects.findLast((effect) => effect.kind === "compareCode");
	expect(asked).toMatchObject({
		runId: run,
		stepKey: "train",
		code: codeOf("b"),
		candidates: [{ codeDigest: codeOf("a").digest, use: codeUse }],
	});
	expect(mesh.tasks).toEqual([]);
	mesh.give({ kind: "codeCompared", runId: run, stepKey: "train" as never, match: 0, differing: [] });
	expect(lastWord(mesh, run)).toMatchObject({ hit: true, sourceRunId: "r1" });
	expect(mesh.outcome(run)).toBe("succeeded");
	mesh.give({ kind: "codeCompared", runId: run, stepKey: "train" as never, match: 0, differing: [] });
});

story("when it is not, the step runs, once", (mesh) => {
	recorded(mesh);
	const run = submit(mesh, "r2", train(), { code: codeOf("b") });
	mesh.give({ kind: "codeCompared", runId: run, stepKey: "train" as never, match: null, differing: ["train.py"] });
	mesh.give({ kind: "codeCompared", runId: run, stepKey: "train" as never, match: 0, differing: [] });
	expect(lastWord(mesh, run)).toMatchObject({
		hit: false,
		reason: "the code that it reads differs: train.py",
		sourceRunId: "r1",
	});
	mesh.finish(mesh.takeTask("train"));
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("an answer after the run was cancelled says nothing", (mesh) => {
	recorded(mesh);
	const run = submit(mesh, "r2", train(), { code: codeOf("b") });
	mesh.cancelRun(run);
	mesh.give({ kind: "codeCompared", runId: run, stepKey: "train" as never, match: 0, differing: [] });
	expect(mesh.outcome(run)).toBe("cancelled");
});

story("a miss tells exactly what differs", (mesh) => {
	recorded(mesh, train({ env: { MODE: "fast" } }));
	const run = submit(mesh, "r2", train({ env: { MODE: "slow", DEBUG: "1" } }), { params: { epochs: 3 } });
	expect(lastWord(mesh, run)).toMatchObject({
		hit: false,
		sourceRunId: "r1",
		reason: 'env.MODE was "fast", is "slow"; env.DEBUG is new; params.epochs is new',
	});
});

story("parameters that were not read are no difference", (mesh) => {
	mesh.agent("a1", 8);
	submit(mesh, "r1", train(), { params: { epochs: 1 } });
	mesh.finish(mesh.takeTask("train"), "succeeded", { codeUse: { ...codeUse, readsParams: false } });
	expect(mesh.outcome(submit(mesh, "r2", train(), { params: { epochs: 2 } }))).toBe("succeeded");
});

story("what the machine gives is no difference", (mesh) => {
	recorded(mesh);
	const run = submit(
		mesh,
		"r2",
		train({ resources: { cpuMillis: 4000, memoryBytes: 1e9, gpu: null, diskBytes: 0, named: {} }, priority: 90 }),
	);
	expect(mesh.outcome(run)).toBe("succeeded");
});

story("an older result than allowed is not taken", (mesh) => {
	recorded(mesh, train(cached(60_000)));
	mesh.wait(60_000);
	expect(mesh.outcome(submit(mesh, "r2", train(cached(60_000))))).toBe("succeeded");
	mesh.wait(1_000);
	const run = submit(mesh, "r3", train(cached(60_000)));
	expect(lastWord(mesh, run)).toMatchObject({
		hit: false,
		reason: "the result is 61 s old, older than its ttl of 60 s",
	});
});

story("a forced refresh runs, and what it leaves is taken later", (mesh) => {
	recorded(mesh);
	const run = submit(mesh, "r2", train(), { cacheMode: "refresh" });
	expect(lastWord(mesh, run)).toMatchObject({ hit: false, reason: "the run was asked to make its results anew" });
	mesh.finish(mesh.takeTask("train"), "succeeded", { codeUse });
	expect(mesh.word(submit(mesh, "r3"), "train")).toBe("taken from run r2");
});

story("switched off, nothing is asked and nothing is kept", (mesh) => {
	recorded(mesh);
	const run = submit(mesh, "r2", train(), { cacheMode: "off" });
	const task = mesh.takeTask("train");
	expect(task.trackCode).toBe(false);
	mesh.finish(task);
	expect(mesh.events("cacheChecked", run)).toEqual([]);
	expect(mesh.events("cacheRecorded", run)).toEqual([]);
});

story("a result whose metrics do not hold today's gates is not taken", (mesh) => {
	recorded(mesh);
	const gate = { metric: "accuracy", operator: ">=" as const, value: 0.95, source: "accuracy >= 0.95" };
	const run = submit(mesh, "r2", train({ gates: [gate] }));
	expect(lastWord(mesh, run)).toMatchObject({
		hit: false,
		reason: "its metrics do not hold the gate `accuracy >= 0.95`",
	});
});

story("a result without what its output says is not taken where that is read", (mesh) => {
	recorded(mesh);
	const run = submit(mesh, "r2", train({ values: ["model"] }));
	expect(lastWord(mesh, run)).toMatchObject({ hit: false, reason: "nothing was kept of what its output model says" });
});

story("a result whose bytes are out of reach is not taken", (mesh) => {
	recorded(mesh);
	mesh.agent("a2");
	mesh.lose("a1" as never);
	const run = submit(mesh, "r2");
	expect(lastWord(mesh, run)).toMatchObject({
		hit: false,
		reason: "its outputs are held by no agent that is online",
	});
	expect(mesh.holder(mesh.takeTask("train"))).toBe("a2");
});

story("a failed step leaves nothing to take", (mesh) => {
	mesh.agent("a1", 8);
	submit(mesh, "r1");
	mesh.fail(mesh.takeTask("train"));
	submit(mesh, "r2");
	mesh.finish(mesh.takeTask("train"));
	expect(mesh.events("cacheRecorded").map(({ runId }) => runId)).toEqual(["r2"]);
});
