import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JournalEvent } from "#coordinator/core/events.ts";
import { openReadStore, type ReadStore } from "#coordinator/store/store.ts";
import type { StepView } from "#shared/api.ts";
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
			},
		]);
		expect(step("train.3")).toMatchObject({ state: "ready", readyAtMs: 1_004, reason: "" });
		expect(run().steps).toEqual({ total: 6, succeeded: 1, failed: 0, running: 0 });
		expect(store.artifacts(RUN)).toEqual([{ run: RUN, step: "prepare", ...outputs[0] }]);
		expect(store.holdersOf(outputs[0]?.digest ?? "")).toEqual(["agent-1", "coordinator"]);
		expect(store.holdersOf(`sha256:${"0".repeat(64)}`)).toEqual([]);
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
