import { expect, it } from "vitest";
import { dumpState, restoreState, writeDump } from "#coordinator/core/snapshot.ts";
import type { Task } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { CoreMesh } from "#test/support/core-mesh.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { StoryMesh, story } from "#test/support/story-mesh.ts";

const A1 = "a1" as AgentId;
const A2 = "a2" as AgentId;

const modes = (mesh: StoryMesh) => mesh.events("agentModeChanged").map(({ agentId, mode }) => `${agentId} ${mode}`);
const closed = (mesh: CoreMesh, id: AgentId) => mesh.state.agents.get(id)?.node.closed;

story("a cordoned agent keeps what it has, gets nothing new, and takes work again once it is open", (mesh) => {
	mesh.agent("a1");
	const first = mesh.submit(pipelineOf(stepOf("one")));
	const task = mesh.takeTask("one");
	mesh.start(task);
	mesh.setMode("a1", "cordoned", "disk swap");
	expect(closed(mesh, A1)).toBe("cordoned by ada: disk swap");
	const second = mesh.submit(pipelineOf(stepOf("two")), "r2");
	mesh.wait(10_000);
	mesh.finish(task);
	expect(mesh.outcome(first)).toBe("succeeded");
	expect(mesh.steps(second).two).toBe("ready");
	mesh.setMode("a1", "open");
	expect(mesh.steps(second).two).toBe("leased");
	expect(closed(mesh, A1)).toBe("");
});

story("the same asked twice is one event, another mode or reason is a new one", (mesh) => {
	mesh.agent("a1");
	mesh.setMode("a1", "open");
	mesh.setMode("a1", "cordoned", "disk swap");
	mesh.setMode("a1", "cordoned", "disk swap");
	mesh.setMode("a1", "cordoned");
	expect(modes(mesh)).toEqual(["a1 cordoned"]);
	mesh.setMode("a1", "cordoned", "new disk");
	mesh.setMode("a1", "draining", "new disk");
	mesh.setMode("a1", "draining", "new disk", true);
	mesh.setMode("a1", "open");
	mesh.setMode("a1", "open");
	mesh.setMode("nobody", "cordoned");
	expect(modes(mesh)).toEqual(["a1 cordoned", "a1 cordoned", "a1 draining", "a1 draining", "a1 open"]);
});

story("a draining agent ends its work, and is told to leave only when nothing of it is left", (mesh) => {
	mesh.agent("a1");
	mesh.submit(pipelineOf(stepOf("one"), stepOf("two", { needs: ["one"] })));
	const task = mesh.takeTask("one");
	mesh.start(task);
	mesh.setMode("a1", "draining", "", true);
	expect(mesh.beat(A1).leave).toBe(false);
	mesh.finish(task);
	// It may not have heard yet that the journal has its outcome.
	expect(mesh.beat(A1, [task], "s1", "finished")).toMatchObject({ settled: [task.attemptId], leave: false });
	expect(mesh.beat(A1).leave).toBe(true);
	expect(mesh.steps("r1" as never).two).toBe("ready");
	mesh.setMode("a1", "draining");
	mesh.setMode("a1", "open");
	expect(mesh.beat(A1).leave).toBe(false);
	expect(mesh.steps("r1" as never).two).toBe("leased");
});

story("an agent does not leave while a run needs what it alone holds", (mesh) => {
	mesh.agent("a1");
	const run = mesh.submit(
		pipelineOf(stepOf("one", { outputs: { data: "d" } }), stepOf("two", { needs: ["one"], labels: { room: "b12" } })),
	);
	mesh.finish(mesh.takeTask("one"));
	mesh.setMode("a1", "draining", "", true);
	expect(mesh.beat(A1).leave).toBe(false);
	mesh.cancelRun(run);
	expect(mesh.beat(A1).leave).toBe(true);
});

story("an agent does not leave while the rest of a gang runs, when it has what the first member left", (mesh) => {
	mesh.agent("a1");
	mesh.agent("a2");
	mesh.submit(pipelineOf(stepOf("one", { nodes: 2, outputs: { data: "d" } }), stepOf("two", { needs: ["one"] })));
	const [first, second] = [mesh.takeTask("one"), mesh.takeTask("one")].sort((a, b) =>
		a.attemptId < b.attemptId ? -1 : 1,
	) as [Task, Task];
	const holder = mesh.holder(first);
	mesh.finish(first);
	mesh.setMode(holder, "draining", "", true);
	expect(mesh.beat(holder).leave).toBe(false);
	mesh.finish(second);
	expect(mesh.beat(holder).leave).toBe(false);
	mesh.finish(mesh.takeTask("two"));
	expect(mesh.beat(holder).leave).toBe(true);
});

it("an agent that wishes to go may, once it holds nothing that a run needs", () => {
	const mesh = new CoreMesh();
	mesh.agent("a1");
	const run = mesh.submit(
		pipelineOf(stepOf("one", { outputs: { data: "d" } }), stepOf("two", { needs: ["one"], labels: { room: "b12" } })),
	);
	const wishes = (running: Task[] = []) => mesh.beat(A1, running, "s1", "running", { draining: true }).leave;
	const task = mesh.takeTask("one");
	expect(wishes([task])).toBe(false);
	mesh.finish(task);
	expect(wishes()).toBe(false);
	mesh.give({ kind: "cancelRun", runId: run, reason: "" });
	expect(mesh.beat(A1).leave).toBe(false);
	expect(wishes()).toBe(true);
});

story("only an agent that is lost and holds nothing is forgotten, with what was decided of it", (mesh) => {
	mesh.agent("a1");
	mesh.agent("a2");
	const forget = (agentId: AgentId) => mesh.give({ kind: "forgetAgent", agentId, by: "ada" });
	const forgotten = () => mesh.events("agentForgotten").map(({ agentId }) => agentId);
	mesh.setMode("a1", "cordoned", "old");
	forget(A1);
	expect(forgotten()).toEqual([]);
	mesh.manyLeaders = false;
	mesh.lose(A1);
	mesh.nowMs += 20_000;
	mesh.give({ kind: "tick" });
	forget(A1);
	forget(A1);
	expect(forgotten()).toEqual([A1]);
	expect(mesh.state.agents.has(A1)).toBe(false);
	expect(mesh.effects.filter(({ kind }) => kind === "forgetAgent")).toEqual([{ kind: "forgetAgent", agentId: A1 }]);
	mesh.restart();
	expect(mesh.state.agents.has(A1)).toBe(false);
	// Back again, it is an agent like any other.
	mesh.agent("a1");
	expect(closed(mesh, A1)).toBe("");
});

it("an agent that a new leader has not heard yet is not forgotten", () => {
	const mesh = new CoreMesh();
	mesh.agent("a1");
	mesh.give({ kind: "setAgentMode", agentId: A1, mode: "cordoned", reason: "", by: "ada", leave: false });
	mesh.restart();
	const forget = () => mesh.give({ kind: "forgetAgent", agentId: A1, by: "ada" });
	forget();
	expect(mesh.state.agents.get(A1)?.cordon?.mode).toBe("cordoned");
	mesh.nowMs += 31_000;
	forget();
	expect(mesh.state.agents.has(A1)).toBe(false);
});

it("an agent that leaves for good is forgotten at once, and what was on its way to it goes elsewhere", () => {
	const mesh = new CoreMesh();
	mesh.agent("a1");
	mesh.submit(pipelineOf(stepOf("one")));
	expect(mesh.takeTask("one").attemptNumber).toBe(1);
	mesh.give({ kind: "agentLeft", agentId: A1 });
	mesh.give({ kind: "agentLeft", agentId: A1 });
	const kinds = mesh.journal.map(({ kind }) => kind);
	expect(kinds.filter((kind) => kind === "agentForgotten")).toHaveLength(1);
	expect(mesh.state.agents.has(A1)).toBe(false);
	mesh.agent("a2");
	expect(mesh.takeTask("one").attemptNumber).toBe(2);
});

it("what is heard late of a forgotten agent's attempt counts", () => {
	const mesh = new CoreMesh();
	mesh.agent("a1");
	const run = mesh.submit(pipelineOf(stepOf("one", { retries: { ...stepOf("one").retries, delayMs: 600_000 } })));
	const task = mesh.takeTask("one");
	mesh.start(task);
	mesh.nowMs += 40_000;
	mesh.give({ kind: "tick" });
	mesh.give({ kind: "forgetAgent", agentId: A1, by: "ada" });
	expect(mesh.state.agents.has(A1)).toBe(false);
	mesh.finish(task);
	expect(mesh.outcome(run)).toBe("succeeded");
	expect(mesh.state.agents.has(A1)).toBe(false);
});

it("an agent that its owner keeps closed says why", () => {
	const mesh = new CoreMesh();
	mesh.agent("a1");
	mesh.give({
		kind: "heartbeatReceived",
		replyTo: "inbox",
		heartbeat: {
			...{ agentId: A1, sessionId: "s1", atMs: 0, attempts: [], load: null, draining: false, usable: null },
			closed: "its owner's hours end at 19:00",
		},
	});
	expect(closed(mesh, A1)).toBe("its owner's hours end at 19:00");
});

it("a snapshot keeps what was decided, also of an agent that nobody has heard", () => {
	const mesh = new CoreMesh();
	mesh.agent("a1");
	mesh.give({ kind: "setAgentMode", agentId: A1, mode: "draining", reason: "move", by: "ada", leave: true });
	const restored = restoreState(writeDump(dumpState(mesh.state)));
	expect(restored.agents.get(A1)?.cordon).toEqual({
		...{ mode: "draining", reason: "move", by: "ada", leave: true },
		sinceMs: mesh.nowMs,
	});
	mesh.restart();
	expect(mesh.state.agents.get(A1)?.cordon).toMatchObject({ mode: "draining", leave: true });
	expect(mesh.beat(A1).leave).toBe(true);
});

it("a snapshot of the release before, which knew no such decisions, is read", () => {
	const mesh = new CoreMesh();
	const a1 = mesh.agent("a1");
	mesh.submit(deployed(1));
	mesh.finish(mesh.takeTask("train"));
	mesh.replica(a1, "digits", 1, 1, "serving");
	const texts = [...writeDump(dumpState(mesh.state))].map((text) =>
		text.replace(/"schemaVersion":\d+/, '"schemaVersion":1').replaceAll(/"wanted":\d+,/g, ""),
	);
	expect(texts.join()).not.toContain("wanted");
	const restored = restoreState(texts);
	expect(restored.deployments.get("digits")).toMatchObject({ wanted: 1, agentIds: [A1] });
	expect(restored.agents.get(A1)?.cordon).toBeNull();
	expect(restored.joinTokens.size).toBe(0);
});

const model = { step: "train", output: "model" };
const deployed = (replicas: number) =>
	pipelineOf(
		stepOf("train", { outputs: { model: "m" } }),
		stepOf("deploy", { needs: ["train"], action: { kind: "deploy", model, golden: null, name: "digits", replicas } }),
	);

/** On a1, and a2 when there are two. */
const serving = (mesh: StoryMesh, replicas = 1): void => {
	for (const name of ["a1", "a2"].slice(0, replicas)) mesh.agent(name);
	const run = mesh.submit(deployed(replicas));
	mesh.finish(mesh.takeTask("train"));
	for (const id of [A1, A2].slice(0, replicas)) mesh.replica(id, "digits", 1, 1, "serving");
	expect(mesh.outcome(run)).toBe("succeeded");
};

const agentsOf = (mesh: StoryMesh) => mesh.state.deployments.get("digits")?.agentIds;

story("a replica on a draining agent goes to another, and ends there once that one serves", (mesh) => {
	serving(mesh);
	mesh.agent("a2");
	mesh.setMode("a1", "draining", "", true);
	expect(agentsOf(mesh)).toEqual([A1, A2]);
	expect(mesh.beat(A1).leave).toBe(false);
	mesh.replica(A1, "digits", 1, 2, "serving");
	expect(agentsOf(mesh)).toEqual([A1, A2]);
	mesh.replica(A2, "digits", 1, 2, "serving");
	expect(agentsOf(mesh)).toEqual([A2]);
	expect(mesh.beat(A1).leave).toBe(true);
	expect(mesh.state.deployments.get("digits")?.wanted).toBe(1);
});

story("while nobody can take its place a replica stays, and goes once somebody can", (mesh) => {
	serving(mesh, 2);
	mesh.setMode("a1", "draining");
	mesh.setMode("a2", "cordoned");
	mesh.give({ kind: "tick" });
	expect(agentsOf(mesh)).toEqual([A1, A2]);
	const a3 = mesh.agent("a3");
	mesh.give({ kind: "tick" });
	expect(agentsOf(mesh)).toEqual([A1, A2, a3]);
	for (const id of [A1, A2, a3]) mesh.replica(id, "digits", 1, 2, "serving");
	// One that is only cordoned keeps what it has.
	expect(agentsOf(mesh)).toEqual([A2, a3]);
});

story("what a forgotten agent was to serve is served by others, as soon as there are any", (mesh) => {
	serving(mesh, 2);
	mesh.manyLeaders = false;
	mesh.lose(A1);
	mesh.give({ kind: "forgetAgent", agentId: A1, by: "ada" });
	expect(agentsOf(mesh)).toEqual([A2]);
	const a3 = mesh.agent("a3");
	mesh.give({ kind: "tick" });
	expect(agentsOf(mesh)).toEqual([A2, a3]);
	// The last one stays the one that is to serve it.
	for (const id of [A2, a3]) mesh.give({ kind: "agentLeft", agentId: id });
	expect(agentsOf(mesh)).toEqual([a3]);
});

it("what an agent was to serve goes elsewhere too when the leader died as the agent left", () => {
	const mesh = new StoryMesh();
	serving(mesh);
	mesh.agent("a2");
	mesh.give({ kind: "agentLeft", agentId: A1 });
	const left = mesh.journal.findIndex(({ kind }) => kind === "agentForgotten");
	mesh.journal = mesh.journal.slice(0, left + 1);
	mesh.restart();
	mesh.agent("a2");
	// Whoever watches the adverts anew hears once more who has left.
	mesh.give({ kind: "agentLeft", agentId: A1 });
	expect(agentsOf(mesh)).toEqual([A2]);
});
