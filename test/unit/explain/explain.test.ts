import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JournalEvent } from "#coordinator/core/events.ts";
import { explain } from "#coordinator/explain/explain.ts";
import { openReadStore, type ReadStore } from "#coordinator/store/store.ts";
import type { ExplainView, WaitView } from "#shared/api.ts";
import type { RunId, StepKey } from "#shared/ids.ts";
import type { PipelineDefinition } from "#shared/pipeline/definition.ts";
import { artifactOf, createStory, pipelineOf, type Story, stepOf } from "#test/support/journal-story.ts";

const RUN = "r0000000000001" as RunId;
const NOW = 1_000_000;

let store: ReadStore;
let story: Story;
beforeEach(() => {
	store = openReadStore(":memory:");
	story = createStory(RUN, NOW - 300_000);
});
afterEach(() => store.close());

const commit = (...events: JournalEvent[]): void => store.project([{ sequence: store.sequence() + 1, events }]);

const asked = (
	subject: { step?: string; attempt?: number } = {},
	waits: Record<string, WaitView[]> = {},
	run: RunId = RUN,
): ExplainView => explain({ store, waits: () => new Map(Object.entries(waits)), nowMs: NOW }, run, subject);

const summary = (step?: string, waits: Record<string, WaitView[]> = {}, attempt?: number): string =>
	asked({ ...(step === undefined ? {} : { step }), ...(attempt === undefined ? {} : { attempt }) }, waits).summary;

const wait = (kind: WaitView["for"], what: string, blockers: WaitView["blockers"] = []): WaitView => ({
	for: kind,
	what,
	sinceMs: NOW - 60_000,
	blockers,
});

const chain = pipelineOf("digits", [
	stepOf("prepare"),
	stepOf("train", {
		needs: ["prepare"],
		retries: { max: 2, on: ["error"], exitCodes: [], delayMs: 0, backoff: 1, lost: 3 },
	}),
	stepOf("test", { needs: ["train"] }),
	stepOf("report", {
		needs: ["test"],
		retries: { max: 1, on: ["error"], exitCodes: [75], delayMs: 0, backoff: 1, lost: 3 },
	}),
]);

/** An event at a time of its own. */
const at = <E extends JournalEvent>(beforeNowMs: number, event: E): E => ({ ...event, atMs: NOW - beforeNowMs });

const startRun = (definition: PipelineDefinition = chain): void => commit(story.submitted(definition));

describe("what a step waits for", () => {
	it("is the step before it, and what that does", () => {
		startRun();
		commit(story.leased("prepare"), at(120_000, story.started("prepare")));
		expect(summary("train")).toBe("train waits for prepare, which has been running on agent-1 for 2 min");
		expect(summary("report")).toBe(
			"report waits for test; what holds it up now is prepare, which has been running on agent-1 for 2 min",
		);
	});

	it("is room on an agent, its group, an equal step, its run's turn", () => {
		startRun();
		commit(at(180_000, story.settled("prepare")));
		const busy = wait("capacity", "agents that could run it are busy", [
			{ kind: "agent", id: "lab-1", reason: "0 of 4 cpu free" },
		]);
		const view = asked({ step: "train" }, { train: [busy] });
		expect(view.summary).toBe("train has been ready for 3 min: agents that could run it are busy");
		expect(view).toMatchObject({ subject: "step", id: "train", state: "ready", sinceMs: NOW - 180_000, waits: [busy] });
		expect(view.hints).toEqual(["`runmesh agents ls` shows what each agent has free"]);

		const misfit = wait("capacity", "no agent can run it: lab-1: no gpu");
		expect(asked({ step: "train" }, { train: [misfit] }).hints[0]).toMatch(/ask for less/);
		const group = wait("concurrency", "its concurrency group gpu is full (at most 1 at once)", [
			{ kind: "step", id: "r0/fit", reason: "running" },
		]);
		expect(summary("train", { train: [group] })).toBe(
			"train has been ready for 3 min: its concurrency group gpu is full (at most 1 at once) (r0/fit)",
		);
		const turn = wait("admission", "its concurrency group a lets one run go ahead at a time, 1 is before it");
		expect(summary("report", { report: [turn] })).toBe(
			"report waits with its whole run: its concurrency group a lets one run go ahead at a time, 1 is before it",
		);
	});

	it("is a person", () => {
		startRun(
			pipelineOf("p", [
				stepOf("release", { action: { kind: "approve", message: "ship it?" } }),
				stepOf("end", { needs: ["release"] }),
			]),
		);
		commit(at(240_000, story.held("release", "ship it?")));
		const view = asked({ step: "release" }, { release: [wait("approval", "a person must approve it")] });
		expect(view.summary).toBe("release has waited for a person's approval for 4 min: ship it?");
		expect(view.sinceMs).toBe(NOW - 240_000);
		expect(view.hints).toEqual([`\`runmesh approve ${RUN} release\`, or with --reject`]);
		expect(summary("end")).toBe("end waits for release, which waits for a person's approval");
		expect(summary()).toBe(`run ${RUN} waits for a person: release must be approved; 0 of 2 steps are done`);
	});

	it("is its next try, and why there is one", () => {
		startRun();
		commit(story.settled("prepare"), story.leased("train"), story.started("train"), story.ended("train", "failed"));
		const retry = at(2_000, story.retry("train", 0, "attempt 1 failed (error); retry 1 of 2"));
		commit({ ...retry, notBeforeMs: NOW + 8_000 });
		expect(summary("train")).toBe(
			"train is started again in 8 s: attempt 1 failed (exit code 1), this is retry 1 of 2",
		);
		expect(summary("train", {}, 1)).toMatch(
			/^attempt 1 of train failed on agent-1 after 1 ms: exit code 1; the step is started again in 8 s$/,
		);
	});
});

describe("how a step ended", () => {
	beforeEach(() => {
		startRun();
		commit(story.settled("prepare"));
	});

	it("tells of every attempt before the one that did it", () => {
		const failure = { cause: "oom" as const, message: "killed at 2 GiB", signal: "SIGKILL" };
		commit(story.leased("train", 1, "lab-2"), story.started("train"));
		commit(story.ended("train", "lost", 1, { reason: "lab-2 was not heard for 30 s" }), story.retry("train", 0));
		commit(
			story.leased("train", 2),
			story.started("train", 2),
			story.ended("train", "failed", 2, { failure }),
			story.retry("train", 0),
		);
		commit(story.leased("train", 3), story.started("train", 3));
		expect(summary("train")).toMatch(
			/^train has been running on agent-1 for 5 min, at attempt 3: attempt 1 was lost \(lab-2 was not heard for 30 s\) and attempt 2 failed \(killed at 2 GiB \(oom\)\)$/,
		);
		commit(
			story.ended("train", "succeeded", 3, { startedAtMs: NOW - 60_000, finishedAtMs: NOW }),
			at(0, story.settled("train")),
		);
		expect(summary("train")).toMatch(/^train succeeded on agent-1 after 1 min, at attempt 3: attempt 1 was lost/);
		expect(summary("train", {}, 1)).toBe(
			"attempt 1 of train was lost on lab-2 (lab-2 was not heard for 30 s): nobody knows how it ended, which is no failure of the step; attempt 2 followed on agent-1, which failed (killed at 2 GiB (oom))",
		);
	});

	it("says why it is not tried again", () => {
		const fail = (number: number, failure: { cause: "error" | "output"; message: string }) => {
			commit(story.leased("train", number), story.started("train", number));
			commit(story.ended("train", "failed", number, { failure: { ...failure, signal: "" } }));
			return failure;
		};
		for (const number of [1, 2]) {
			fail(number, { cause: "error", message: "exit code 1" });
			commit(story.retry("train", 0));
		}
		const last = fail(3, { cause: "error", message: "exit code 1" });
		commit(story.settled("train", "failed", { failure: { ...last, signal: "" } }));
		expect(summary("train")).toBe("train failed on agent-1 after 1 ms: exit code 1; its 2 retries are used up");
		expect(asked({ step: "train" }).hints).toContain(`its output: \`runmesh logs ${RUN} train\``);
	});

	it("says so when its retries do not cover the cause, or there are none", () => {
		const failure = { cause: "output" as const, message: "model: no such file", signal: "" };
		commit(story.leased("train"), story.ended("train", "failed", 1, { failure }));
		commit(story.settled("train", "failed", { failure }));
		expect(summary("train")).toBe(
			"train failed on agent-1: model: no such file (output); it is not tried again, since its `retries` do not name output",
		);
		const other = { cause: "error" as const, message: "exit code 4", exitCode: 4, signal: "" };
		commit(story.leased("report"), story.ended("report", "failed", 1, { failure: other }));
		commit(story.settled("report", "failed", { failure: other }));
		expect(summary("report")).toBe(
			"report failed on agent-1: exit code 4; it is not tried again, since its `retries` do not name exit code 4",
		);
		const none = { cause: "error" as const, message: "exit code 2", signal: "" };
		commit(story.leased("test"), story.ended("test", "failed", 1, { failure: none }));
		commit(story.settled("test", "failed", { failure: none }));
		expect(summary("test")).toBe("test failed on agent-1: exit code 2; it has no retries");
	});

	it("follows a row of skipped steps to where it began", () => {
		const failure = { cause: "error" as const, message: "exit code 1", signal: "" };
		commit(story.settled("train", "failed", { failure }), story.settled("test", "skipped", { reason: "train failed" }));
		commit(story.settled("report", "skipped", { reason: "test skipped" }), at(0, story.finished("failed")));
		expect(summary("test")).toBe("test was skipped, since train failed: exit code 1");
		expect(summary("report")).toBe(
			"report was skipped, since test was skipped; it began with train, which failed: exit code 1",
		);
		expect(asked({ step: "report" }).hints).toEqual([`\`runmesh explain ${RUN} train\``]);
		expect(summary()).toBe(`run ${RUN} failed after 5 min, since train failed: exit code 1; 2 steps were skipped`);
		expect(asked().hints).toEqual([
			`\`runmesh explain ${RUN} train\``,
			`run again what did not succeed: \`runmesh runs retry ${RUN}\``,
		]);
	});

	it("tells a condition, a step left out and a rejection apart", () => {
		commit(story.settled("train", "skipped", { reason: '`if` does not hold: steps.check.outputs.verdict is "no"' }));
		expect(summary("train")).toBe('train was skipped, for its `if` does not hold: steps.check.outputs.verdict is "no"');
		commit(story.settled("test", "skipped", { reason: "not asked for" }));
		expect(summary("test")).toBe("test was left out: this run was asked for other steps");
		const failure = { cause: "rejected" as const, message: "rejected by ada: too slow", signal: "" };
		commit(story.settled("report", "failed", { failure }));
		expect(summary("report")).toBe("report was rejected by ada: too slow");
	});

	it("tells who cancelled it", () => {
		commit(story.leased("train"), story.started("train"), story.stepCancelRequested("train", "it diverged"));
		expect(summary("train")).toMatch(/; being cancelled: it diverged$/);
		commit(story.ended("train", "cancelled"), story.settled("train", "cancelled", { reason: "it diverged" }));
		expect(summary("train")).toBe("train was cancelled on agent-1 after 2 ms: it diverged");
		commit(story.settled("test", "skipped", { reason: "train cancelled" }), story.settled("report", "skipped"));
		commit(at(0, story.finished("cancelled")));
		expect(summary()).toBe(`run ${RUN} ended as cancelled after 5 min, since train was cancelled: it diverged`);
	});
});

describe("results that were not made here", () => {
	it("tells a hit from a miss, with what differs", () => {
		startRun();
		const source = { sourceRunId: "r0" as RunId, sourceStepKey: "fit" as StepKey };
		commit(story.cacheChecked("prepare", { hit: true, ...source }), story.settled("prepare"));
		expect(asked({ step: "prepare" })).toMatchObject({
			summary: "prepare did not run: nothing that it depends on differs from fit of run r0, so its result was taken",
			cache: { hit: true, source: { run: "r0", step: "fit" }, reason: "" },
		});
		commit(story.cacheChecked("train", { ...source, reason: "params.lr was 1, is 2" }), ...story.passed("train"));
		expect(summary("train")).toBe(
			"train succeeded on agent-1 after 1 ms; not from the cache (nearest: fit of run r0): params.lr was 1, is 2",
		);
		expect(asked({ step: "train" }).story.map(({ text }) => text)).toContain("not in the cache: params.lr was 1, is 2");
		expect(asked({ step: "test" }).cache).toBeNull();
	});

	it("names the run that a result was taken from", () => {
		const reused = [
			{
				stepKey: "prepare" as StepKey,
				matrixJson: "{}",
				runId: "r0" as RunId,
				outputs: [artifactOf("d", "a")],
				metrics: [],
			},
		];
		commit(story.submitted(chain, { reused, basedOn: "r0" as RunId, leftOut: ["report"] }), story.settled("prepare"));
		expect(summary("prepare")).toBe("prepare did not run: its result was taken from run r0, as this run was asked to");
		expect(asked().story[0]?.text).toBe("submitted by ada, with 1 result of run r0, without report");
	});
});

describe("a run", () => {
	it("tells what runs, and what the others wait for, once for all alike", () => {
		const cells = pipelineOf("p", [stepOf("train", { matrix: { seed: [1, 2, 3, 4, 5, 6] } })]);
		startRun(cells);
		for (const key of ["train.0", "train.1"]) commit(story.leased(key), at(60_000, story.started(key)));
		const busy = wait("capacity", "agents that could run it are busy");
		const waits = Object.fromEntries([2, 3, 4, 5].map((cell) => [`train.${cell}`, [busy]]));
		const view = asked({}, waits);
		expect(view.summary).toBe(`run ${RUN} goes on: 0 of 6 steps are done, 2 run now (train.0 and train.1)`);
		expect(view.waits.map(({ what }) => what)).toEqual([
			"train.2, train.3, train.4 and train.5: agents that could run it are busy",
			"2 steps run: train.0 and train.1",
		]);
	});

	it("says that nothing runs, and why", () => {
		startRun();
		expect(summary(undefined, { prepare: [wait("agents", "no agent is online")] })).toBe(
			`nothing of run ${RUN} runs: prepare has been ready for 5 min, but no agent is online; 0 of 4 steps are done`,
		);
	});

	it("says whose turn it is", () => {
		const concurrency = { group: "gpu", max: 1, cancelInProgress: false };
		startRun(pipelineOf("p", [stepOf("a")], { concurrency }));
		const turn = wait("admission", "its concurrency group gpu lets one run go ahead at a time, 1 is before it", [
			{ kind: "run", id: "r0", reason: "running" },
		]);
		const view = asked({}, { a: [turn] });
		expect(view.summary).toBe(
			`run ${RUN} waits for its turn: its concurrency group gpu lets one run go ahead at a time, 1 is before it (r0, running)`,
		);
		expect(view.hints).toEqual(["see what the run before it does: `runmesh explain r0`"]);
	});

	it("tells of cancel, of its time, and of success", () => {
		startRun();
		commit(story.leased("prepare"), story.started("prepare"), story.cancelRequested());
		expect(summary()).toBe(
			`run ${RUN} is being cancelled (enough): prepare, train, test and report still have to stop`,
		);
		for (const key of ["prepare", "train", "test", "report"]) commit(story.settled(key, "cancelled"));
		commit(at(0, story.finished("cancelled")));
		expect(summary()).toBe(`run ${RUN} was cancelled after 5 min: enough`);

		const [late, good] = [createStory("r2", NOW - 60_000), createStory("r3", NOW - 60_000)];
		commit(late.submitted(pipelineOf("p", [stepOf("a")])), late.timedOut("the run took longer than 60 s"));
		commit(late.settled("a", "skipped"), at(0, late.finished("failed", "the run took longer than 60 s")));
		expect(asked({}, {}, "r2" as RunId).summary).toBe(
			"run r2 failed after 1 min: the run took longer than 60 s; 1 step was skipped",
		);
		commit(good.submitted(pipelineOf("p", [stepOf("a")])), ...good.passed("a"), at(0, good.finished("succeeded")));
		expect(asked({}, {}, "r3" as RunId)).toMatchObject({
			summary: "run r3 succeeded after 1 min: its one step succeeded",
			waits: [],
			hints: [],
		});
	});
});

describe("what is asked for", () => {
	it("must be there", () => {
		startRun();
		expect(() => asked({ step: "trian" })).toThrow(
			expect.objectContaining({ code: "RM_NOT_FOUND", hint: "did you mean `train`?" }),
		);
		expect(() => asked({ step: "train", attempt: 2 })).toThrow(`step train of run ${RUN} has had no attempt 2`);
		expect(() => asked({ attempt: 2 })).toThrow(expect.objectContaining({ code: "RM_BAD_INPUT" }));
		startRunWithCells();
		expect(() => asked({ step: "train" }, {}, "r2" as RunId)).toThrow(
			expect.objectContaining({ hint: "its matrix makes it train.0 to train.1: name one of them" }),
		);
	});

	it("is told with the events it rests on, the oldest first", () => {
		startRun();
		commit(
			...story.passed("prepare"),
			story.leased("train", 1),
			story.started("train"),
			story.ended("train", "failed"),
		);
		commit(story.retry("train", 5_000, "attempt 1 failed (error); retry 1 of 2"), story.leased("train", 2, "lab-2"));
		expect(asked({ step: "train" }).story.map(({ text }) => text)).toEqual([
			"run submitted by ada",
			"attempt 1 given to agent-1",
			"attempt 1 runs",
			"attempt 1 failed: exit code 1",
			"to be started again in 5 s: attempt 1 failed (error); retry 1 of 2",
			"attempt 2 given to lab-2",
		]);
		expect(asked({ step: "train", attempt: 1 }).story).toHaveLength(4);
		expect(asked({ step: "train", attempt: 2 }).story.map(({ text }) => text)).toEqual(["attempt 2 given to lab-2"]);
		expect(asked().story.map(({ text }) => text)).toEqual([
			"submitted by ada",
			"train: to be started again in 5 s: attempt 1 failed (error); retry 1 of 2",
		]);
	});

	const startRunWithCells = (): void =>
		commit(createStory("r2").submitted(pipelineOf("p", [stepOf("train", { matrix: { seed: [1, 2] } })])));
});
