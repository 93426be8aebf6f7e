import { expect, it } from "vitest";
import { waitsOf } from "#coordinator/waiting.ts";
import type { Task } from "#shared/domain.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { retries, StoryMesh, story } from "#test/support/story-mesh.ts";

const gangOf = (nodes: number) => stepOf("train", { nodes, outputs: { model: "model.onnx" } });

/** A gang that is leased, and its tasks by rank. */
const leased = (mesh: StoryMesh, nodes = 3) => {
	for (let index = 1; index <= nodes; index++) mesh.agent(`a${index}`);
	const run = mesh.submit(pipelineOf(gangOf(nodes)));
	return { run, tasks: take(mesh, nodes) };
};

const take = (mesh: StoryMesh, nodes: number): Task[] =>
	Array.from({ length: nodes }, () => mesh.takeTask("train")).sort((a, b) => rankOf(a) - rankOf(b));

const rankOf = ({ gang }: Task): number => gang?.rank ?? -1;

const stopped = (mesh: StoryMesh): string[] =>
	mesh.effects.flatMap((effect) => (effect.kind === "sendControl" ? [effect.agentId as string] : [])).sort();

story("it is placed on as many agents as it asks for at once, or on none", (mesh) => {
	mesh.agent("a1");
	mesh.agent("a2");
	const run = mesh.submit(pipelineOf(gangOf(3)));
	expect(mesh.tasks).toEqual([]);
	expect(mesh.steps(run)).toEqual({ train: "ready" });
	mesh.agent("a3");
	const tasks = take(mesh, 3);
	expect(new Set(tasks.map((task) => mesh.holder(task))).size).toBe(3);
	const [first] = tasks;
	expect(tasks.map(({ gang }) => gang)).toEqual(
		[0, 1, 2].map((rank) => ({ ...first?.gang, rank, size: 3, masterAddr: mesh.holder(first as Task) })),
	);
	expect(first?.gang?.masterPort).toBe(20_000 + (first?.fence ?? 0));
	expect(tasks.map(({ attemptId }) => attemptId)).toEqual([`${run}.train.1`, `${run}.train.1.r1`, `${run}.train.1.r2`]);
	expect(tasks.map(({ outputs }) => outputs.length)).toEqual([1, 0, 0]);
});

story("it runs when the last member does", (mesh) => {
	const { run, tasks } = leased(mesh);
	for (const task of tasks.slice(0, 2)) mesh.start(task);
	expect(mesh.steps(run)).toEqual({ train: "leased" });
	mesh.start(tasks[2] as Task);
	expect(mesh.steps(run)).toEqual({ train: "running" });
});

story("it succeeds when all members have, with what the first has left, whoever is last", (mesh) => {
	const { run, tasks } = leased(mesh);
	const [first, second, third] = tasks as [Task, Task, Task];
	mesh.finish(first, "succeeded", { metrics: [{ name: "loss", value: 0.1, step: 1 }] });
	mesh.finish(second, "succeeded", { metrics: [{ name: "loss", value: 9, step: 1 }] });
	expect(mesh.outcome(run)).toBeNull();
	mesh.finish(third);
	expect(mesh.outcome(run)).toBe("succeeded");
	const settled = mesh.events("stepSettled").at(-1);
	expect(settled).toMatchObject({ outputs: [{ name: "model" }], metrics: [{ name: "loss", value: 0.1 }] });
	expect(stopped(mesh)).toEqual([]);
});

story("what the members took is told together", (mesh) => {
	const { tasks } = leased(mesh, 2);
	const usage = (seconds: number, bytes: number) => ({
		...{
			setupMs: seconds,
			cpuSeconds: seconds,
			peakMemoryBytes: bytes,
			gpuSeconds: seconds,
			peakGpuMemoryBytes: bytes,
		},
		limits: { memory: "watched" },
	});
	mesh.finish(tasks[1] as Task, "succeeded", { usage: usage(3, 10) });
	mesh.finish(tasks[0] as Task, "succeeded", { usage: usage(2, 40) });
	expect(mesh.events("attemptEnded").at(-1)?.usage).toEqual({ ...usage(5, 40), setupMs: 3 });
});

story("a member that is done holds nothing any more, and is forgotten by its agent", (mesh) => {
	const { tasks } = leased(mesh);
	const second = tasks[1] as Task;
	const agentId = mesh.holder(second);
	mesh.finish(second);
	expect(mesh.state.agents.get(agentId)?.node).toMatchObject({ claims: 0, freeCpuMillis: 2_000 });
	expect(mesh.beat(agentId, [second], "s1", "finished").settled).toEqual([second.attemptId]);
	// Said again, it counts once.
	mesh.finish(second);
	expect(mesh.events("attemptMemberEnded")).toHaveLength(1);
});

story("one member that fails ends the others, and the step says which", (mesh) => {
	const { run, tasks } = leased(mesh);
	for (const task of tasks) mesh.start(task);
	const second = tasks[1] as Task;
	mesh.finish(second, "failed");
	expect(mesh.outcome(run)).toBe("failed");
	const others = tasks.filter((task) => task !== second).map((task) => mesh.holder(task) as string);
	expect(stopped(mesh)).toEqual(others.sort());
	expect(mesh.events("stepSettled").at(-1)?.failure?.message).toBe(`rank 1 on ${mesh.holder(second)}: exit 1`);
	for (const task of tasks) {
		expect(mesh.beat(mesh.holder(task), [task]).stop).toMatchObject([{ attemptId: task.attemptId }]);
	}
});

story("one member that is lost ends the others, and the next attempt has another port", (mesh) => {
	const { tasks } = leased(mesh);
	for (const task of tasks) mesh.start(task);
	const lost = mesh.holder(tasks[2] as Task);
	mesh.lose(lost);
	expect(mesh.events("attemptEnded").at(-1)).toMatchObject({ state: "lost", reason: expect.stringContaining(lost) });
	// A gang does not come together again: who shows up late is told to stop.
	expect(mesh.beat(lost, [tasks[2] as Task]).stop).toHaveLength(1);
	mesh.comeBack(lost);
	for (const task of tasks) mesh.finish(task, "cancelled");
	mesh.wait(1_000);
	const again = take(mesh, 3);
	expect(again[0]?.gang?.masterPort).not.toBe(tasks[0]?.gang?.masterPort);
});

story("one member that is handed back takes the others along, and that agent is not asked again at once", (mesh) => {
	const { run, tasks } = leased(mesh, 2);
	const second = tasks[1] as Task;
	const declined = mesh.holder(second);
	mesh.decline(second, "no room");
	expect(mesh.steps(run)).toEqual({ train: "backoff" });
	expect(stopped(mesh)).toEqual([mesh.holder(tasks[0] as Task)]);
	mesh.agent("a3");
	mesh.wait(1_500);
	const holders = take(mesh, 2).map((task) => mesh.holder(task));
	// A new leader has not heard that it has no room.
	if (!mesh.manyLeaders) expect(holders).not.toContain(declined);
});

story("cancelled, every member is told to stop", (mesh) => {
	const { run, tasks } = leased(mesh);
	for (const task of tasks) mesh.start(task);
	mesh.cancelRun(run);
	expect([...new Set(stopped(mesh))]).toEqual(["a1", "a2", "a3"]);
	mesh.finish(tasks[1] as Task, "cancelled");
	expect(mesh.outcome(run)).toBe("cancelled");
});

story("a member whose task got lost is sent it again, the others are not", (mesh) => {
	const { tasks } = leased(mesh);
	const [first, second, third] = tasks as [Task, Task, Task];
	mesh.start(first);
	mesh.tasks = [];
	mesh.nowMs += 6_000;
	mesh.beat(mesh.holder(first), [first]);
	mesh.beat(mesh.holder(second), [second], "s1", "accepted");
	mesh.beat(mesh.holder(third), []);
	// A new leader sends to all of whom it has not heard.
	if (mesh.manyLeaders) return;
	expect(mesh.tasks.map(({ attemptId }) => attemptId)).toEqual([third.attemptId]);
});

it("the next attempt goes to no agent that has yet to stop its part of the one before", () => {
	const mesh = new StoryMesh();
	for (const name of ["a1", "a2"]) mesh.agent(name);
	mesh.submit(pipelineOf({ ...gangOf(2), ...retries({ max: 1, delayMs: 0 }) }));
	const [first, second] = take(mesh, 2) as [Task, Task];
	for (const task of [first, second]) mesh.start(task);
	mesh.finish(second, "failed");
	const beat = (running: Task[]) => {
		mesh.nowMs += 2_000;
		mesh.beat(mesh.holder(second));
		mesh.beat(mesh.holder(first), running);
		mesh.give({ kind: "tick" });
	};
	beat([first]);
	expect(mesh.tasks).toEqual([]);
	const [wait] = waitsOf(mesh.state, first.runId).get("train" as never) ?? [];
	expect(wait?.blockers).toContainEqual({
		kind: "agent",
		id: mesh.holder(first),
		reason: "still stops its part of the attempt before",
	});
	beat([first]);
	expect(mesh.tasks).toEqual([]);
	beat([]);
	expect(take(mesh, 2).map(({ attemptNumber }) => attemptNumber)).toEqual([2, 2]);
});
