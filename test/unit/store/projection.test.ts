import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JournalEvent } from "#coordinator/core/events.ts";
import { openReadStore, type ReadStore } from "#coordinator/store/store.ts";
import type { StepView } from "#shared/api.ts";
import type { RunId, StepKey } from "#shared/ids.ts";
import { artifactOf, createStory, pipelineOf, type Story, stepOf } from "#test/support/journal-story.ts";

const RUN = "r0000000000001";
const digits = pipelineOf("digits", [
	stepOf("prepare"),
	stepOf("train", { needs: ["prepare"], matrix: { lr: [0.1, 0.2], seed: [1, 2] } }),
	stepOf("select", { needs: ["train"], action: { kind: "select", from: "train", metric: "loss", mode: "min" } }),
]);

let store: ReadStore;
let story: Story;
let sequence: number;

beforeEach(() => {
	store = openReadStore(":memory:");
	story = createStory(RUN);
	sequence = 0;
});
afterEach(() => store.close());

const commit = (...events: JournalEvent[]): void => store.project([{ sequence: ++sequence, events }]);
const run = () => {
	const detail = store.run(RUN);
	if (!detail) throw new Error("the run is unknown");
	return detail;
};
const step = (key: string): StepView => {
	const found = run().stepList.find((candidate) => candidate.key === key);
	if (!found) throw new Error(`no step ${key}`);
	return found;
};

describe("a run's way through the tables", () => {
	it("starts with its first steps ready and the others waiting for them", () => {
		commit(story.submitted(digits, { paramsJson: '{"epochs":3}', submitter: "ada" }));
		expect(run()).toMatchObject({
			id: RUN,
			pipeline: "digits",
			state: "running",
			submitter: "ada",
			submittedAtMs: 1_000,
			finishedAtMs: null,
			params: { epochs: 3 },
			steps: { total: 6, succeeded: 0, failed: 0, running: 0 },
		});
		expect(run().stepList.map(({ key, state }) => [key, state])).toEqual([
			["prepare", "ready"],
			["train.0", "waiting"],
			["train.1", "waiting"],
			["train.2", "waiting"],
			["train.3", "waiting"],
			["select", "waiting"],
		]);
		expect(step("prepare").readyAtMs).toBe(1_000);
		expect(step("train.1")).toMatchObject({
			name: "train",
			matrix: { lr: 0.1, seed: 2 },
			needs: ["prepare"],
			readyAtMs: null,
			reason: "waits for prepare",
		});
		expect(step("select").reason).toBe("waits for train (4 of 4 cells open)");
	});

	it("leases, runs and settles a step, and readies every cell behind it", () => {
		commit(story.submitted(digits), story.leased("prepare"));
		expect(step("prepare").state).toBe("leased");
		commit(story.started("prepare"));
		expect(step("prepare")).toMatchObject({ state: "running", startedAtMs: 1_002 });
		expect(run().steps).toEqual({ total: 6, succeeded: 0, failed: 0, running: 1 });

		const outputs = [artifactOf("dataset", "a", ["agent-1", "coordinator"])];
		const metrics = [{ name: "rows", value: 60_000, step: 0 }];
		commit(story.ended("prepare"), story.settled("prepare", "succeeded", { outputs, metrics }));
		expect(step("prepare")).toMatchObject({ state: "succeeded", finishedAtMs: 1_004, outputs, metrics });
		expect(step("prepare").attempts).toEqual([
			{
				id: `${RUN}.prepare.1`,
				number: 1,
				state: "succeeded",
				agent: "agent-1",
				leasedAtMs: 1_001,
				startedAtMs: 1_002,
				finishedAtMs: 1_003,
				failure: null,
				reason: "",
				members: [],
				usage: null,
			},
		]);
		expect(step("train.3")).toMatchObject({ state: "ready", readyAtMs: 1_004, reason: "" });
		expect(run().steps).toEqual({ total: 6, succeeded: 1, failed: 0, running: 0 });
		expect(store.artifacts(RUN)).toEqual([{ run: RUN, step: "prepare", ...outputs[0] }]);
		expect(store.holdersOf(outputs[0]?.digest ?? "")).toEqual(["agent-1", "coordinator"]);
		expect(store.holdersOf(`sha256:${"0".repeat(64)}`)).toEqual([]);
	});

	it("keeps what an attempt took, and who ran it", () => {
		const usage = {
			...{ setupMs: 12_000, cpuSeconds: 34.5, peakMemoryBytes: 2 ** 30, gpuSeconds: 0, peakGpuMemoryBytes: 0 },
			limits: { memory: "cgroup v2" },
		};
		commit(story.submitted(digits), story.leased("prepare", 1, "agent-1", "agent-2", "agent-3"));
		expect(step("prepare").attempts).toMatchObject([{ members: ["agent-2", "agent-3"], usage: null }]);
		commit(story.memberEnded("prepare", 1), story.started("prepare"));
		expect(step("prepare").state).toBe("running");
		commit(story.ended("prepare", "succeeded", 1, { usage }));
		expect(step("prepare").attempts).toMatchObject([{ agent: "agent-1", members: ["agent-2", "agent-3"], usage }]);
	});

	it("counts a matrix need as all its cells", () => {
		commit(story.submitted(digits), ...story.passed("prepare"));
		for (const cell of ["train.0", "train.2", "train.1"]) commit(...story.passed(cell));
		expect(step("select")).toMatchObject({ state: "waiting", reason: "waits for train (1 of 4 cells open)" });
		commit(...story.passed("train.3"));
		expect(step("select").state).toBe("ready");
		commit(story.settled("select", "succeeded", { reason: "train.3" }), story.finished("succeeded"));
		expect(step("select")).toMatchObject({ state: "succeeded", reason: "train.3", startedAtMs: null, attempts: [] });
		expect(run()).toMatchObject({ state: "succeeded", steps: { total: 6, succeeded: 6, failed: 0, running: 0 } });
		expect(run().finishedAtMs).not.toBeNull();
	});

	it("shows a retry's backoff, each attempt, and what it came to", () => {
		commit(story.submitted(pipelineOf("one", [stepOf("flaky")])), story.leased("flaky"), story.started("flaky"));
		commit(story.ended("flaky", "failed"), story.retry("flaky", 10_000, "retry 1 of 1"));
		expect(step("flaky")).toMatchObject({ state: "backoff", reason: "retry 1 of 1", failure: null });
		commit(story.leased("flaky", 2, "agent-2"), story.ended("flaky", "declined", 2, { reason: "disk full" }));
		commit(story.retry("flaky", 0));
		expect(step("flaky").state).toBe("ready");
		commit(story.leased("flaky", 3), story.started("flaky", 3));
		expect(step("flaky")).toMatchObject({ state: "running", reason: "" });
		const failure = { cause: "oom" as const, message: "killed", signal: "SIGKILL" };
		commit(
			story.ended("flaky", "failed", 3, { failure }),
			story.settled("flaky", "failed", { failure }),
			story.finished("failed"),
		);
		expect(step("flaky")).toMatchObject({ state: "failed", failure });
		expect(step("flaky").attempts.map(({ state, agent, reason }) => [state, agent, reason])).toEqual([
			["failed", "agent-1", ""],
			["declined", "agent-2", "disk full"],
			["failed", "agent-1", ""],
		]);
		expect(run()).toMatchObject({ state: "failed", steps: { total: 1, succeeded: 0, failed: 1, running: 0 } });
	});

	it("takes back a lost attempt that shows a sign of life", () => {
		commit(story.submitted(pipelineOf("one", [stepOf("train")])), story.leased("train"), story.started("train"));
		commit(story.ended("train", "lost", 1, { reason: "no heartbeat" }), story.retry("train", 5_000));
		expect(step("train").attempts[0]).toMatchObject({ state: "lost", reason: "no heartbeat" });
		commit(story.started("train"));
		expect(step("train").state).toBe("running");
		expect(step("train").attempts[0]).toMatchObject({ state: "running", finishedAtMs: null, reason: "" });
		expect(run().steps.running).toBe(1);
	});

	it("dates a step by the leader's clock, whatever the agent's", () => {
		commit(story.submitted(pipelineOf("one", [stepOf("quick")])), story.leased("quick"));
		const skewed = { atMs: 50_000, startedAtMs: 9_000_000, finishedAtMs: 9_000_200 };
		commit(story.ended("quick", "succeeded", 1, skewed), story.settled("quick", "succeeded", { atMs: 50_000 }));
		expect(step("quick")).toMatchObject({ startedAtMs: 49_800, finishedAtMs: 50_000 });
		expect(step("quick").attempts[0]).toMatchObject({ startedAtMs: 9_000_000, finishedAtMs: 9_000_200 });
	});

	it("cancels, and skips what is behind a failure", () => {
		commit(story.submitted(digits), story.cancelRequested());
		expect(run().state).toBe("cancelling");
		commit(story.settled("prepare", "cancelled", { reason: "enough" }));
		commit(...["train.0", "train.1", "train.2", "train.3", "select"].map((key) => story.settled(key, "skipped")));
		commit(story.finished("cancelled"));
		expect(step("prepare")).toMatchObject({ state: "cancelled", reason: "enough" });
		expect(step("train.1").state).toBe("skipped");
		expect(run().state).toBe("cancelled");
		expect(store.counts()).toMatchObject({ runs: { cancelled: 1 }, steps: { ready: 0, cancelled: 1, skipped: 5 } });
	});

	it("ignores batches it has, and loses nothing to one that fails", () => {
		const batch = { sequence: 4, events: [story.submitted(digits), story.leased("prepare")] };
		store.project([batch]);
		store.project([batch, { sequence: 3, events: [story.started("prepare")] }, batch]);
		expect(store.sequence()).toBe(4);
		expect(step("prepare").state).toBe("leased");

		const broken = story.submitted(digits, { definitionJson: "{" });
		const later = [story.started("prepare"), broken];
		expect(() => store.project([{ sequence: 5, events: later }])).toThrow();
		expect(store.sequence()).toBe(4);
		expect(run().steps.running).toBe(0);
		store.project([{ sequence: 5, events: later.slice(0, 1) }]);
		expect(run().steps.running).toBe(1);
	});
});

describe("what the core decides besides", () => {
	const statesOf = (): string[] => run().stepList.map(({ key, state }) => `${key} ${state}`);

	it("leaves a step with a condition waiting until its event, and tells only of needs that are open", () => {
		const condition = { source: "failed()", statusAware: true };
		const definition = pipelineOf("p", [
			stepOf("a"),
			stepOf("b"),
			stepOf("alarm", { needs: ["a", "b"], condition }),
			stepOf("first", { condition: { source: "params.x", statusAware: false } }),
		]);
		commit(story.submitted(definition));
		expect(statesOf()).toEqual(["a ready", "b ready", "alarm waiting", "first waiting"]);
		commit(story.readied("first"), story.settled("a", "failed"));
		expect(step("alarm").reason).toBe("waits for b");
		commit(...story.passed("b"));
		expect(step("alarm")).toMatchObject({ state: "waiting", reason: "" });
		commit(story.readied("alarm"));
		expect(step("alarm").state).toBe("ready");
		expect(step("alarm").readyAtMs).not.toBeNull();
		expect(store.counts().steps).toMatchObject({ waiting: 0, ready: 2, failed: 1, succeeded: 1 });
	});

	it("queues a run with a concurrency group until it is admitted", () => {
		const concurrency = { group: "gpu", max: 1, cancelInProgress: false };
		commit(story.submitted(pipelineOf("p", [stepOf("a"), stepOf("b", { needs: ["a"] })], { concurrency })));
		expect(run()).toMatchObject({ state: "queued", reason: "waits for its turn in its concurrency group" });
		expect(statesOf()).toEqual(["a waiting", "b waiting"]);
		commit(story.admitted());
		expect(run()).toMatchObject({ state: "running", reason: "" });
		expect(statesOf()).toEqual(["a ready", "b waiting"]);
	});

	it("cancels a queued run, and keeps the reason", () => {
		const concurrency = { group: "gpu", max: 1, cancelInProgress: false };
		commit(story.submitted(pipelineOf("p", [stepOf("a")], { concurrency })), story.cancelRequested());
		expect(run()).toMatchObject({ state: "cancelling", reason: "enough" });
		commit(story.settled("a", "cancelled"), story.finished("cancelled"));
		expect(run()).toMatchObject({ state: "cancelled", reason: "enough" });
	});

	it("replaces a step by the cells that its matrix grew, in its place", () => {
		const definition = pipelineOf("p", [
			stepOf("prepare"),
			stepOf("train", { needs: ["prepare"], matrix: { shard: { step: "prepare", output: "shards" } } }),
			stepOf("join", { needs: ["train"] }),
		]);
		commit(story.submitted(definition));
		expect(statesOf()).toEqual(["prepare ready", "train waiting", "join waiting"]);
		commit(...story.passed("prepare"));
		expect(step("train").state).toBe("waiting");
		commit(story.expanded("train", [{ shard: "a" }, { shard: "b" }]));
		expect(statesOf()).toEqual(["prepare succeeded", "train.0 ready", "train.1 ready", "join waiting"]);
		expect(step("train.1").matrix).toEqual({ shard: "b" });
		expect(step("join").reason).toBe("waits for train (2 of 2 cells open)");
		expect(run().steps.total).toBe(4);
		expect(store.counts().steps).toMatchObject({ succeeded: 1, ready: 2, waiting: 1 });
		commit(...story.passed("train.0"), ...story.passed("train.1"));
		expect(step("join").state).toBe("ready");
	});

	it("shows a step that waits for a person", () => {
		const approve = { kind: "approve" as const, message: "ship it?" };
		commit(
			story.submitted(pipelineOf("p", [stepOf("release", { action: approve })])),
			story.held("release", "ship it?"),
		);
		expect(step("release")).toMatchObject({ state: "held", reason: "waits for approval: ship it?" });
		commit(story.answered("release", true), story.settled("release", "succeeded", { reason: "approved by ada" }));
		expect(step("release")).toMatchObject({ state: "succeeded", reason: "approved by ada" });
		expect(store.counts().steps).toMatchObject({ held: 0, succeeded: 1 });
	});

	it("tells of a step that is to stop, and of a run whose time is up", () => {
		commit(story.submitted(pipelineOf("p", [stepOf("a"), stepOf("b")])), story.leased("a"), story.started("a"));
		commit(story.stepCancelRequested("a", "diverged"));
		expect(step("a")).toMatchObject({ state: "running", reason: "being cancelled: diverged" });
		commit(story.settled("a", "cancelled", { reason: "diverged" }), story.timedOut("it took too long"));
		expect(run()).toMatchObject({ state: "running", reason: "it took too long" });
		commit(story.settled("b", "skipped"), story.finished("failed", "it took too long"));
		expect(run()).toMatchObject({ state: "failed", reason: "it took too long" });
	});

	it("knows where results come from that were not made here", () => {
		const earlier = "r0000000000000" as RunId;
		const reused = ["prepare", "train.1", "train.0"].map((key) => ({
			stepKey: key as StepKey,
			matrixJson: { "train.1": '{"lr":0.1,"seed":2}', "train.0": '{"lr":9,"seed":9}' }[key] ?? "{}",
			runId: earlier,
			outputs: [],
			metrics: [],
		}));
		commit(story.submitted(digits, { reused, basedOn: earlier, leftOut: ["select"] }));
		expect(run().basedOn).toBe(earlier);
		// One that is taken waits for that, and for nothing else.
		expect(step("prepare").state).toBe("waiting");
		commit(story.settled("prepare"), story.settled("train.1"), story.settled("select", "skipped"));
		expect(step("prepare").takenFrom).toEqual({ run: earlier, step: "prepare" });
		expect(step("train.1").takenFrom).toEqual({ run: earlier, step: "train.1" });
		expect(step("train.0")).toMatchObject({ state: "ready", takenFrom: null });
		commit(...story.passed("train.0"));
		expect(step("train.0").takenFrom).toBeNull();
		commit(story.cacheChecked("train.2", { hit: true, sourceRunId: earlier, sourceStepKey: "fit" as StepKey }));
		commit(story.settled("train.2"), story.cacheChecked("train.3", { reason: "params.lr was 1, is 2" }));
		expect(step("train.2").takenFrom).toEqual({ run: earlier, step: "fit" });
		expect(step("train.3").takenFrom).toBeNull();
	});

	it("keeps what a run can be made from again, and what small outputs say", () => {
		const code = artifactOf("code", "c");
		commit(story.submitted(digits, { paramsJson: '{"epochs":3}', code, cacheMode: "refresh", leftOut: ["select"] }));
		expect(store.source(RUN)).toEqual({
			...{ definition: digits, params: { epochs: 3 }, code, cacheMode: "refresh", leftOut: ["select"] },
		});
		expect(store.source("rnone")).toBeNull();
		const outputs = [{ ...artifactOf("shards", "a"), valueJson: "[1,2]" }];
		commit(story.settled("prepare", "succeeded", { outputs }));
		expect(step("prepare").outputs).toEqual(outputs);
	});

	it("reads definitions of the release before", () => {
		const { graceMs: _, condition: _c, values: _v, cache: _a, concurrency: _o, ...old } = stepOf("train");
		const { timeoutMs: _t, concurrency: _n, ...first } = pipelineOf("old", []);
		const definitionJson = JSON.stringify({ ...first, version: 1, steps: [old] });
		commit(story.submitted(digits, { definitionJson }));
		expect(step("train").state).toBe("ready");
		expect(store.source(RUN)?.definition).toMatchObject({ version: 3, steps: [{ name: "train", condition: null }] });
	});
});

describe("models and deployments", () => {
	const deploy = pipelineOf("digits", [stepOf("deploy", { action: deployAction() })]);

	it("follows a version from registration to retirement", () => {
		const state = (version: number) => store.models()[0]?.versions.find((row) => row.version === version)?.state;
		commit(story.submitted(deploy), story.registered("digits", 1));
		expect(store.models()).toMatchObject([
			{ name: "digits", versions: [{ version: 1, state: "registered", run: RUN }] },
		]);
		commit(story.deployed("digits", 1, ["agent-1", "agent-2"]));
		expect(step("deploy").state).toBe("running");
		commit(story.replica("digits", "agent-1", 1, "loading"));
		expect(store.deployments()).toMatchObject([
			{
				name: "digits",
				model: "digits",
				version: 1,
				replicas: [
					{ agent: "agent-1", version: 1, state: "loading" },
					{ agent: "agent-2", version: 1, state: "pending", endpoint: "" },
				],
			},
		]);
		commit(story.replica("digits", "agent-1", 1, "failed", { detail: "opset 99" }));
		expect(state(1)).toBe("failed");
		commit(story.replica("digits", "agent-1", 1, "serving"), story.settled("deploy"));
		expect(state(1)).toBe("serving");

		commit(story.registered("digits", 2), story.deployed("digits", 2, ["agent-1"]));
		expect(store.models()[0]?.versions.map(({ version }) => version)).toEqual([2, 1]);
		expect(state(1)).toBe("retired");
		expect(store.deployments()[0]?.replicas).toEqual([
			{ agent: "agent-1", version: 2, state: "pending", detail: "still serves version 1", endpoint: "" },
		]);
		commit(story.replica("digits", "agent-1", 2, "serving"));
		commit(story.replica("digits", "agent-1", 1, "failed"));
		expect(state(2)).toBe("serving");
	});
});

function deployAction() {
	return {
		kind: "deploy" as const,
		model: { step: "select", output: "model" },
		golden: null,
		name: "digits",
		replicas: 1,
	};
}
