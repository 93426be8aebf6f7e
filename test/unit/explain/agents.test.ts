/** What explain says of agents: why they take nothing, who ran an attempt, and what it took. */

import { expect, it } from "vitest";
import { explain } from "#coordinator/explain/explain.ts";
import { openReadStore } from "#coordinator/store/store.ts";
import { waitsOf } from "#coordinator/waiting.ts";
import type { ExplainView } from "#shared/api.ts";
import type { Usage } from "#shared/domain.ts";
import type { AgentId, RunId } from "#shared/ids.ts";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { CoreMesh } from "#test/support/core-mesh.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { createStory, pipelineOf as storedPipeline } from "#test/support/journal-story.ts";

const RUN = "r1" as RunId;

/** Of a mesh as it is. */
const explained = (mesh: CoreMesh, step: string): ExplainView => {
	const store = openReadStore(":memory:");
	store.project([{ sequence: 1, events: mesh.journal }]);
	const view = explain({ store, waits: (id) => waitsOf(mesh.state, id), nowMs: mesh.nowMs }, RUN, { step });
	store.close();
	return view;
};

const setMode = (mesh: CoreMesh, agent: string, mode: "cordoned" | "draining", reason: string): void =>
	void mesh.give({ kind: "setAgentMode", agentId: agent as AgentId, mode, reason, by: "ada", leave: false });

it("a step that only closed agents could run says so, and how they are opened", () => {
	const mesh = new CoreMesh();
	for (const name of ["lab-1", "lab-2"]) mesh.agent(name);
	mesh.agent("tiny", 1);
	setMode(mesh, "lab-1", "cordoned", "disk swap");
	setMode(mesh, "lab-2", "draining", "");
	mesh.submit(pipelineOf(stepOf("one", { resources: { ...stepOf("one").resources, cpuMillis: 2_000 } })));
	const view = explained(mesh, "one");
	expect(view.summary).toContain(
		"agents that could run it take nothing new now: lab-1: cordoned by ada: disk swap; lab-2: being drained by ada",
	);
	expect(view.waits[0]?.blockers).toContainEqual({
		kind: "agent",
		id: "lab-1",
		reason: "cordoned by ada: disk swap",
	});
	expect(view.hints).toEqual(["`runmesh agents uncordon lab-1` lets it take work again"]);
});

it("what no agent can run is no matter of who is closed", () => {
	const mesh = new CoreMesh();
	mesh.agent("lab-1");
	setMode(mesh, "lab-1", "cordoned", "");
	mesh.submit(pipelineOf(stepOf("one", { labels: { gpu: "yes" } })));
	expect(explained(mesh, "one").summary).toContain("no agent can run it: lab-1: label gpu is not set");
});

it("a step that wants more agents than could run it says how many there are, and what to do", () => {
	const mesh = new CoreMesh();
	for (const name of ["lab-1", "lab-2"]) mesh.agent(name);
	mesh.submit(pipelineOf(stepOf("one", { nodes: 3 })));
	const view = explained(mesh, "one");
	expect(view.summary).toContain("3 agents at once are wanted, 2 could run it");
	expect(view.hints).toEqual(["ask for fewer `nodes`, or let more agents join: `runmesh token create`"]);
});

const usage: Usage = {
	...{ setupMs: 12_000, cpuSeconds: 34, peakMemoryBytes: 1_342_177_000, gpuSeconds: 0, peakGpuMemoryBytes: 0 },
	limits: {},
};

const ended = (definition: StepDefinition, more: object, ...members: string[]) => {
	const store = openReadStore(":memory:");
	const story = createStory(RUN);
	const state = "failure" in more ? "failed" : "succeeded";
	store.project([
		{
			sequence: 1,
			events: [
				story.submitted(storedPipeline("p", [definition])),
				story.leased("train", 1, "lab-1", ...members),
				story.started("train"),
				story.ended("train", state, 1, { startedAtMs: 10_000, finishedAtMs: 70_000, ...more }),
				story.settled("train", state, more),
			],
		},
	]);
	const ask = (attempt?: number) =>
		explain({ store, waits: () => new Map(), nowMs: 80_000 }, RUN, { step: "train", attempt });
	const views = [ask(1), ask()] as const;
	store.close();
	return views;
};

const limited = stepOf("train", {
	...{ resources: { ...stepOf("train").resources, memoryBytes: 2 * 1024 ** 3 }, limits: { cpu: false, memory: true } },
});

it("an attempt says what it took, of what it was given", () => {
	const [attempt, step] = ended(limited, { usage });
	expect(attempt.summary).toBe(
		"attempt 1 of train succeeded on lab-1 after 1 min (peak 1.25Gi of 2Gi, 34 s of CPU, set-up 12 s)",
	);
	expect(step.story.map(({ text }) => text)).toContain(
		"attempt 1 succeeded after 1 min (peak 1.25Gi, 34 s of CPU, set-up 12 s)",
	);
});

it("one that ran on several agents names them", () => {
	const [attempt, step] = ended(stepOf("train"), {}, "lab-2", "lab-3");
	expect(attempt.summary).toBe("attempt 1 of train succeeded on lab-1, lab-2 and lab-3 after 1 min");
	expect(step.summary).toContain("on lab-1, lab-2 and lab-3");
	expect(step.story.map(({ text }) => text)).toContain("attempt 1 given to lab-1, lab-2 and lab-3");
});

it("out of memory, it says how much more to ask for; without a limit of its own, to ask at all", () => {
	const failure = { cause: "oom", message: "it ran out of memory", signal: "SIGKILL" };
	expect(ended(limited, { failure })[1].hints).toContain(
		"give it more than the 2Gi it had, such as `resources: {memory: 4Gi}`, or let it use less",
	);
	expect(ended(stepOf("train"), { failure })[1].hints).toContain(
		"say what it needs with `resources: {memory: …}`: it runs where that is free then",
	);
});

it("seen to take more than twice its memory, or out of its own disk, it says how much to ask for", () => {
	const failure = { cause: "oom", message: "used 8Gi of 2Gi", signal: "SIGKILL" };
	const hungry = { failure, usage: { ...usage, peakMemoryBytes: 8 * 1024 ** 3 } };
	expect(ended(limited, hungry)[1].hints).toContainEqual(expect.stringContaining("`resources: {memory: 10Gi}`"));
	const roomy = stepOf("train", { resources: { ...stepOf("train").resources, diskBytes: 50 * 1024 ** 2 } });
	const full = { failure: { cause: "disk", message: "its folder takes 300Mi of disk", signal: "" } };
	expect(ended(roomy, full)[1].hints).toContainEqual(expect.stringContaining("`resources: {disk: 100Mi}`"));
	expect(ended(stepOf("train"), full)[1].hints).toContain("free some space on the agent's disk");
});

it("without its environment, it says where to look", () => {
	const failure = { cause: "setup", message: "uv could not install torch", signal: "" };
	expect(ended(stepOf("train"), { failure })[1].hints).toEqual(
		expect.arrayContaining([
			expect.stringContaining("runmesh logs"),
			expect.stringContaining("could not be made there"),
		]),
	);
});

it("a step that stands still for an agent's owner says so", () => {
	const mesh = new CoreMesh();
	const box = mesh.agent("box");
	mesh.submit(pipelineOf(stepOf("one")));
	const task = mesh.takeTask("one");
	mesh.start(task);
	mesh.beat(box, [task], "s1", "paused", { closed: "its owner is active" });
	expect(explained(mesh, "one").summary).toMatch(
		/^one has been running on box for .*; it stands still on box: its owner is active$/,
	);
});
