import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FinalStepState, JournalEvent } from "#coordinator/core/events.ts";
import { type Reuse, resolveReuse } from "#coordinator/reuse.ts";
import { openReadStore, type ReadStore } from "#coordinator/store/store.ts";
import type { ReuseRequest } from "#shared/api.ts";
import type { ParamValue, PipelineDefinition } from "#shared/pipeline/definition.ts";
import { artifactOf, createStory, pipelineOf, stepOf } from "#test/support/journal-story.ts";

const BASE = "r0000000000001";
const data = { step: "prepare", output: "data" };
const digits = pipelineOf("digits", [
	stepOf("prepare", { outputs: { data: "data" } }),
	stepOf("train", { needs: ["prepare"], inputs: { data }, matrix: { lr: [0.1, 0.2] }, outputs: { model: "m" } }),
	stepOf("best", { needs: ["train"], action: { kind: "select", from: "train", metric: "loss", mode: "min" } }),
	stepOf("lint"),
	stepOf("report", { needs: ["best", "lint"], inputs: { model: { step: "best", output: "model" } } }),
	stepOf("alarm", {
		needs: ["prepare", "train", "best", "lint", "report"],
		condition: { source: "failed()", statusAware: true },
		phase: "onFailure",
	}),
]);

let store: ReadStore;
beforeEach(() => {
	store = openReadStore(":memory:");
});
afterEach(() => store.close());

const commit = (...events: JournalEvent[]): void => store.project([{ sequence: store.sequence() + 1, events }]);

/** A run over, with these ends of its steps; the others succeeded. */
const base = (ends: Record<string, FinalStepState> = {}, definition: PipelineDefinition = digits, id = BASE): void => {
	const story = createStory(id);
	commit(story.submitted(definition, { paramsJson: '{"epochs":3}' }));
	const outputs: Record<string, string> = { prepare: "data", train: "model", best: "model" };
	for (const { key, name } of store.run(id)?.stepList ?? []) {
		const state = ends[key] ?? ends[name] ?? (name === "alarm" ? "skipped" : "succeeded");
		const output = state === "succeeded" && outputs[name] ? [artifactOf(outputs[name], "ab")] : [];
		commit(story.settled(key, state, { outputs: output, metrics: [{ name: "loss", value: 1, step: 0 }] }));
	}
	commit(story.finished("failed"));
};

const resolve = (
	mode: ReuseRequest["mode"],
	steps: string[] = [],
	definition: PipelineDefinition = digits,
	params: Record<string, ParamValue> = { epochs: 3 },
	run = "latest",
): Reuse => resolveReuse(store, { run, mode, steps }, definition, params);

const taken = ({ reused }: Reuse): string[] => reused.map(({ stepKey }) => stepKey);

describe("--from-failed", () => {
	it("takes what succeeded and is behind nothing that runs again", () => {
		base({ "train.1": "failed", best: "skipped", report: "skipped" });
		const reuse = resolve("failed");
		expect(taken(reuse)).toEqual(["prepare", "train.0", "lint"]);
		expect(reuse.leftOut).toEqual([]);
		expect(reuse.basedOn).toBe(BASE);
		expect(reuse.reused[1]).toEqual({
			stepKey: "train.0",
			matrixJson: '{"lr":0.1}',
			runId: BASE,
			outputs: [artifactOf("model", "ab")],
			metrics: [{ name: "loss", value: 1, step: 0 }],
		});
	});

	it("runs a cell of other values, and one that lacks an output which is wanted now", () => {
		base({ report: "failed" });
		const [prepare, train, ...rest] = digits.steps;
		if (!prepare || !train) throw new Error("no such steps");
		const other = pipelineOf("digits", [prepare, { ...train, matrix: { lr: [0.1, 0.3] } }, ...rest]);
		expect(taken(resolve("failed", [], other))).toEqual(["prepare", "train.0", "lint"]);
		const more = pipelineOf("digits", [{ ...prepare, outputs: { data: "data", stats: "s" } }, train, ...rest]);
		expect(taken(resolve("failed", [], more))).toEqual(["lint"]);
		const read = pipelineOf("digits", [{ ...prepare, values: ["data"] }, train, ...rest]);
		expect(taken(resolve("failed", [], read))).toEqual(["lint"]);
	});

	it("leaves a condition that did not hold to be asked again, unless something is different", () => {
		const condition = { source: "params.epochs > 5", statusAware: false };
		const optional = pipelineOf("digits", [
			stepOf("prepare"),
			stepOf("tune", { needs: ["prepare"], condition }),
			stepOf("end", { needs: ["tune"], condition: { source: "always()", statusAware: true } }),
			stepOf("last"),
		]);
		base({ tune: "skipped", last: "failed" }, optional);
		expect(taken(resolve("failed", [], optional))).toEqual(["prepare", "end"]);
		expect(taken(resolve("failed", [], optional, { epochs: 9 }))).toEqual(["prepare"]);
	});

	it("takes the cells of a matrix that grew, and names the run that made a result", () => {
		const dynamic = pipelineOf("digits", [
			stepOf("prepare", { values: ["shards"], outputs: { shards: "s" } }),
			stepOf("train", { needs: ["prepare"], matrix: { shard: { step: "prepare", output: "shards" } } }),
			stepOf("end", { needs: ["train"] }),
		]);
		const story = createStory(BASE);
		const shards = { ...artifactOf("shards", "ab"), valueJson: '["a","b"]' };
		commit(story.submitted(dynamic), story.settled("prepare", "succeeded", { outputs: [shards] }));
		commit(story.expanded("train", [{ shard: "a" }, { shard: "b" }]), ...story.passed("train.0"));
		commit(story.settled("train.1", "failed"), story.settled("end", "skipped"), story.finished("failed"));
		const first = resolve("failed", [], dynamic, {});
		expect(first.reused.map(({ stepKey, matrixJson }) => `${stepKey} ${matrixJson}`)).toEqual([
			"prepare {}",
			'train.0 {"shard":"a"}',
		]);

		const again = createStory("r0000000000002");
		commit(again.submitted(dynamic, { reused: first.reused, basedOn: first.basedOn }));
		commit(again.settled("prepare", "succeeded", { outputs: [shards] }));
		commit(again.expanded("train", [{ shard: "a" }, { shard: "b" }]), again.settled("train.0"));
		commit(again.settled("train.1", "failed"), again.settled("end", "skipped"), again.finished("failed"));
		const second = resolve("failed", [], dynamic, {});
		expect(second.basedOn).toBe("r0000000000002");
		expect(second.reused.map(({ runId }) => runId)).toEqual([BASE, BASE]);
	});

	it("leaves out again what the earlier run had left out", () => {
		const story = createStory(BASE);
		commit(story.submitted(digits, { leftOut: ["lint"], paramsJson: '{"epochs":3}' }), ...story.passed("prepare"));
		for (const key of ["train.0", "train.1"]) commit(story.settled(key, "failed"));
		for (const key of ["best", "lint", "report", "alarm"]) commit(story.settled(key, "skipped"));
		commit(story.finished("failed"));
		const reuse = resolve("failed");
		expect(reuse.leftOut).toEqual(["lint"]);
	});

	it("refuses where nothing failed, or is known to have failed yet", () => {
		base();
		expect(() => resolve("failed")).toThrow(
			expect.objectContaining({ code: "RM_CONFLICT", hint: expect.stringContaining("--all") }),
		);
		commit(createStory("r0000000000002").submitted(digits));
		expect(() => resolve("failed")).toThrow(
			expect.objectContaining({ code: "RM_CONFLICT", hint: expect.stringContaining("runs cancel") }),
		);
	});
});

describe("--from", () => {
	it("runs the step and all behind it, and takes the rest", () => {
		base();
		const reuse = resolve("from", ["best"]);
		expect(taken(reuse)).toEqual(["prepare", "train.0", "train.1", "lint"]);
		expect(reuse.leftOut).toEqual([]);
	});

	it("leaves out what has no result and is read by nothing that runs", () => {
		base({ lint: "failed" });
		expect(resolve("from", ["best"]).leftOut).toEqual(["lint"]);
	});

	it("refuses where something that runs reads what has no result", () => {
		base({ prepare: "failed", train: "skipped", best: "skipped", report: "skipped" });
		expect(() => resolve("from", ["train"])).toThrow(
			`train reads prepare, which has no result in run ${BASE}, where it is failed`,
		);
	});
});

describe("--only", () => {
	it("says whose results there are not, and how a cell is named", () => {
		base({}, pipelineOf("letters", [stepOf("write")]));
		const params = { epochs: 3 };
		expect(() => resolve("only", ["train"], digits, params, BASE)).toThrow(
			`train reads prepare, which has no result in run ${BASE} of pipeline letters: that has no such step`,
		);
		expect(() => resolve("only", ["train.1"], digits, params, BASE)).toThrow(
			expect.objectContaining({ hint: "name the step with all its cells: train" }),
		);
	});

	it("runs the steps named on results that are taken, and leaves out the others", () => {
		base({ lint: "failed", report: "skipped" });
		const reuse = resolve("only", ["report"]);
		expect(taken(reuse)).toEqual(["best"]);
		expect(reuse.leftOut).toEqual(["prepare", "train", "lint", "alarm"]);
	});

	it("takes what a matrix grows from, so that its cells are known", () => {
		const dynamic = pipelineOf("digits", [
			stepOf("list"),
			stepOf("train", { needs: ["list"], matrix: { shard: { step: "list", output: "shards" } } }),
			stepOf("end", { needs: ["train"], inputs: { model: { step: "train", output: "model" } } }),
		]);
		const story = createStory(BASE);
		commit(story.submitted(dynamic), ...story.passed("list"), story.expanded("train", [{ shard: 1 }]));
		commit(...story.passed("train.0"), story.settled("end", "failed"), story.finished("failed"));
		expect(taken(resolve("only", ["end"], dynamic))).toEqual(["list", "train.0"]);
	});

	it("runs a whole sub-pipeline by its name", () => {
		const nested = pipelineOf("digits", [
			stepOf("prepare", { outputs: { data: "data" } }),
			stepOf("sub.fit", { needs: ["prepare"], inputs: { data } }),
			stepOf("sub.check", { needs: ["sub.fit"] }),
			stepOf("sub", { needs: ["sub.fit", "sub.check"], action: { kind: "collect", outputs: {} } }),
			stepOf("end", { needs: ["sub"] }),
		]);
		base({}, nested);
		const reuse = resolve("only", ["sub"], nested);
		expect(taken(reuse)).toEqual(["prepare"]);
		expect(reuse.leftOut).toEqual(["end"]);
	});
});

describe("the earlier run", () => {
	it("is the newest of the same pipeline, or the one that is named", () => {
		base({ report: "failed" });
		base({ report: "failed" }, { ...digits, name: "other" }, "r0000000000002");
		expect(resolve("failed").basedOn).toBe(BASE);
		expect(resolve("failed", [], digits, { epochs: 3 }, "r0000000000002").basedOn).toBe("r0000000000002");
		expect(resolveReuse(store, null, digits, {})).toEqual({ reused: [], leftOut: [], basedOn: "" });
	});

	it("must be there, and the steps named must be known", () => {
		expect(() => resolve("failed")).toThrow("there is no earlier run of digits to take results from");
		expect(() => resolve("failed", [], digits, {}, "rx")).toThrow(expect.objectContaining({ code: "RM_NOT_FOUND" }));
		base();
		expect(() => resolve("only", ["reprot"])).toThrow(
			expect.objectContaining({ code: "RM_NOT_FOUND", hint: "did you mean `report`?" }),
		);
		expect(() => resolve("from", [])).toThrow(expect.objectContaining({ code: "RM_BAD_INPUT" }));
		expect(() => resolve("only", ["alarm"])).toThrow("alarm runs only when a run has failed");
	});
});
