/** A leader may die between any two events of its journal: from each of these places a successor comes to the same end. */

import { describe, expect, it } from "vitest";
import type { JournalEvent } from "#coordinator/core/events.ts";
import type { Task } from "#shared/domain.ts";
import type { AgentId, RunId } from "#shared/ids.ts";
import type { PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { cached, retries, StoryMesh, when } from "#test/support/story-mesh.ts";

interface Plot {
	/** All that comes from outside, up to the last event that is cut behind. */
	begin(mesh: StoryMesh): void;
	/** The last of what is asked from outside: cuts come behind it. */
	asked: JournalEvent["kind"];
	/** What becomes of a step's attempts, in turn; succeeded when nothing is said. */
	attempts?: Record<string, ("failed" | "hangs")[]>;
	values?: Record<string, Record<string, unknown>>;
	replica?: "serving" | "failed";
	approved?: boolean;
	/** Beside the first. */
	others?: string[];
}

const AGENT = "a1" as AgentId;

/** Agents and people do what the plot says until every run is over. */
const play = (
	mesh: StoryMesh,
	{ attempts = {}, values = {}, replica = "serving", approved = true, others = [] }: Plot,
): void => {
	const hanging: Task[] = [];
	for (let round = 0; mesh.state.runs.size > 0; round++) {
		expect(round, "it never ends").toBeLessThan(50);
		while (mesh.tasks.length > 0) {
			const task = mesh.takeTask(mesh.tasks[0]?.stepKey ?? "");
			const fate = attempts[task.stepKey]?.[task.attemptNumber - 1];
			if (fate === "hangs") hanging.push(task);
			else
				mesh.finish(task, fate ?? "succeeded", {
					values: values[task.stepKey] ?? {},
					metrics: [{ name: "m", value: 1, step: 0 }],
				});
		}
		for (const other of others) mesh.beat(other as AgentId);
		const { stop } = mesh.beat(AGENT, hanging, "s1", "running");
		for (const { attemptId } of stop) {
			const [task] = hanging.splice(
				hanging.findIndex((each) => each.attemptId === attemptId),
				1,
			);
			if (task) mesh.finish(task, "cancelled", { agentId: AGENT });
		}
		for (const { run, key } of [...mesh.state.held]) {
			// A person who has answered does not do so again.
			const answered = mesh.events("approvalAnswered", run.id).some(({ stepKey }) => stepKey === key);
			if (!answered) mesh.answer(run.id, key, approved);
		}
		for (const { name, version, revision, agentIds } of [...mesh.state.deployments.values()]) {
			for (const agentId of agentIds) mesh.replica(agentId, name, version, revision, replica);
		}
		mesh.nowMs += 5_000;
		mesh.give({ kind: "tick" });
	}
};

const ending = (mesh: StoryMesh) => {
	const runs = new Set(mesh.events("runSubmitted").map(({ runId }) => runId));
	return [...runs].map((run) => [run, mesh.outcome(run), Object.entries(mesh.settled(run)).sort()]);
};

const plots: Record<string, Plot> = {
	"a graph with conditions, late cells, a choice, a question and retries": {
		begin: (mesh) => {
			const shards = { step: "prepare", output: "shards" };
			mesh.submit(
				pipelineOf(
					stepOf("prepare", { outputs: { shards: "s" }, values: ["shards"], ...retries({ max: 1 }) }),
					stepOf("train", { needs: ["prepare"], matrix: { shard: shards }, ...when("matrix.shard > 1") }),
					stepOf("best", {
						needs: ["train"],
						action: { kind: "select", from: "train", metric: "m", mode: "max" },
						...when("always()"),
					}),
					stepOf("ask", { needs: ["best"], action: { kind: "approve", message: "" } }),
					stepOf("bad", { needs: ["ask"] }),
					stepOf("behind", { needs: ["bad"] }),
					stepOf("rescue", { needs: ["bad"], ...when("failed()") }),
					stepOf("last", {
						phase: "onFailure",
						needs: ["prepare", "train", "best", "ask", "bad", "behind", "rescue"],
						...when("failed()"),
					}),
				),
			);
		},
		asked: "runSubmitted",
		attempts: { prepare: ["failed"], bad: ["failed"] },
		values: { prepare: { shards: [1, 2, 3] } },
	},
	"a question that is answered with no": {
		begin: (mesh) => {
			mesh.submit(
				pipelineOf(stepOf("ask", { action: { kind: "approve", message: "" } }), stepOf("behind", { needs: ["ask"] })),
			);
		},
		asked: "runSubmitted",
		approved: false,
	},
	"a run that cancels the one before it": {
		begin: (mesh) => {
			for (const run of ["r1", "r2"]) mesh.submit(grouped(stepOf("one"), stepOf("two", { needs: ["one"] })), run);
		},
		asked: "runSubmitted",
		attempts: { one: [] },
	},
	"a run whose time is up": {
		begin: (mesh) => {
			mesh.submit({ ...pipelineOf(stepOf("stuck"), stepOf("behind", { needs: ["stuck"] }), clean), timeoutMs: 20_000 });
		},
		asked: "runSubmitted",
		attempts: { stuck: ["hangs", "hangs", "hangs"] },
	},
	"a step that is cancelled": {
		begin: (mesh) => {
			const run = mesh.submit(
				pipelineOf(stepOf("stuck"), stepOf("behind", { needs: ["stuck"] }), stepOf("far", { needs: ["behind"] })),
			);
			mesh.cancelStep(run, "stuck");
		},
		asked: "stepCancelRequested",
		attempts: { stuck: ["hangs"] },
	},
	"a run that is cancelled": {
		begin: (mesh) => {
			const run = mesh.submit(
				pipelineOf(stepOf("stuck"), stepOf("behind", { needs: ["stuck"] }), stepOf("other", { labels: { x: "y" } })),
			);
			mesh.cancelRun(run);
		},
		asked: "runCancelRequested",
		attempts: { stuck: ["hangs"] },
	},
	"equal steps, of which the first fails": {
		begin: (mesh) => {
			mesh.submit(pipelineOf(stepOf("one", cached()), stepOf("two", cached()), stepOf("three", cached())));
		},
		asked: "runSubmitted",
		attempts: { one: ["failed"] },
	},
	"results that are taken, and steps that are left out": {
		begin: (mesh) => {
			const taken = { stepKey: "one" as never, matrixJson: "{}", runId: "r0" as RunId, outputs: [], metrics: [] };
			const steps = [stepOf("one"), stepOf("two", { needs: ["one"] }), stepOf("left", { needs: ["two"] })];
			mesh.submit(pipelineOf(...steps), "r1", { reused: [taken], leftOut: ["left"] });
		},
		asked: "runSubmitted",
	},
	"an agent that was cordoned, and is opened again": {
		begin: (mesh) => {
			mesh.setMode(AGENT, "cordoned", "disk swap");
			mesh.submit(pipelineOf(stepOf("one"), stepOf("two", { needs: ["one"] })));
			mesh.setMode(AGENT, "open");
		},
		asked: "agentModeChanged",
	},
	"a gang": {
		begin: (mesh) => void mesh.submit(pipelineOf(gang, stepOf("after", { needs: ["train"] }))),
		asked: "runSubmitted",
		others: ["a2", "a3"],
	},
	"a gang that fails once": {
		begin: (mesh) => void mesh.submit(pipelineOf({ ...gang, ...retries({ max: 1 }) })),
		asked: "runSubmitted",
		attempts: { train: ["failed"] },
		others: ["a2", "a3"],
	},
	"a deployment": { begin: (mesh) => void mesh.submit(deployed, "r1"), asked: "runSubmitted" },
	"a deployment that is refused": {
		begin: (mesh) => void mesh.submit(deployed, "r1"),
		asked: "runSubmitted",
		replica: "failed",
	},
	"two deployments, of which the later takes the place": {
		begin: (mesh) => {
			mesh.submit(deployed, "r1");
			mesh.finish(mesh.takeTask("train"));
			mesh.submit(deployed, "r2");
		},
		asked: "runSubmitted",
	},
};

const gang = stepOf("train", { nodes: 3, outputs: { model: "m" } });

const clean = stepOf("clean", { phase: "onFailure", needs: ["stuck", "behind"], ...when("failed()") });

const grouped = (...steps: StepDefinition[]): PipelineDefinition => ({
	...pipelineOf(...steps),
	concurrency: { group: "g", max: 1, cancelInProgress: true },
});

const model = { step: "train", output: "model" };
const deployed = pipelineOf(
	stepOf("train", { outputs: { model: "m" } }),
	stepOf("deploy", { needs: ["train"], action: { kind: "deploy", model, golden: null, name: "digits", replicas: 1 } }),
	stepOf("after", { needs: ["deploy"] }),
);

describe.each(Object.entries(plots))("%s", (_name, plot) => {
	const whole = new StoryMesh();
	const join = (mesh: StoryMesh): void => {
		for (const name of [AGENT, ...(plot.others ?? [])]) mesh.agent(name, 8);
	};
	join(whole);
	plot.begin(whole);
	play(whole, plot);
	const from = whole.journal.findLastIndex(({ kind }) => kind === plot.asked) + 1;
	const cuts = Array.from({ length: whole.journal.length - from }, (_, index) => from + index);

	it.each(cuts)("cut before event %i", (kept) => {
		const mesh = new StoryMesh();
		mesh.journal = whole.journal.slice(0, kept);
		mesh.nowMs = mesh.journal.at(-1)?.atMs ?? 0;
		join(mesh);
		mesh.handOver();
		play(mesh, plot);
		expect(ending(mesh), `after ${mesh.journal[kept - 1]?.kind}`).toEqual(ending(whole));
	});
});
