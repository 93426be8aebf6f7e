/** The leader dies, or stands still until another leads: no step is lost, none runs twice, nothing told is untrue. */

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { endedOnce, gatedSteps, gone, happened, started } from "#test/support/gated-steps.ts";
import { LEASE_MS, startLooseMesh, submit } from "#test/support/loose-mesh.ts";
import { startWire } from "#test/support/wire.ts";
import { matrixPipeline } from "../../bench/matrix.ts";
import { startSimulatedAgents } from "../../bench/simulated/agents.ts";

const STEPS = 10_000;
const AGENTS = 4;

test.concurrent("the leader is killed with 10,000 live steps, and its successor amid their results: all end, each executed once", async ({
	onTestFinished,
}) => {
	const mesh = await startLooseMesh(onTestFinished);
	const first = await mesh.coordinator("first");
	const second = await mesh.coordinator("second");
	const agents = await startSimulatedAgents(
		{ nats: mesh.nats.url, home: first.home },
		{ agents: AGENTS, cpuMillis: STEPS / AGENTS, memoryBytes: 1024 ** 4, labels: {} },
	);
	onTestFinished(() => agents.close());
	const run = await submit(first.client, matrixPipeline(STEPS, ["run: 'true'", "resources: {cpu: 1m, memory: 1Mi}"]));
	await agents.tasksTaken(STEPS);

	await first.kill();
	agents.release();
	await second.logged("leading");
	await happened(second.client, run, ({ kind }) => kind === "stepSettled");
	await second.kill();
	const { client } = await mesh.coordinator("second");

	expect((await happened(client, run, ({ kind }) => kind === "runFinished")).data.state).toBe("succeeded");
	const { stepList } = await client.run(run);
	const told = stepList.map(({ state, attempts }) => [state, ...attempts.map((attempt) => attempt.state)].join(" "));
	expect(told).toEqual(Array.from({ length: STEPS }, () => "succeeded succeeded"));
	expect(agents.taken(), "tasks that agents have executed").toBe(STEPS);
});

const small = (name: string, command: string): string =>
	`name: ${name}\nsteps: {${name}: {run: ${command}, resources: {cpu: 100m, memory: 16Mi}}}\n`;

test.concurrent.for(["stands still", "can't reach NATS"])(
	"a leader that %s until another leads steps down, and does no harm",
	async (fault, { onTestFinished }) => {
		const mesh = await startLooseMesh(onTestFinished);
		const wire = await startWire(new URL(mesh.nats.url).host, onTestFinished);
		const old = await mesh.coordinator("old", { nats: wire.address });
		const successor = await mesh.coordinator("successor");
		const { client } = successor;
		await mesh.agent("agent", { coordinator: successor.grpc });
		const steps = gatedSteps(mesh, ["before"]);
		const before = await submit(old.client, steps.pipeline);
		const attempt = await started(old.client, before, "before");

		if (fault === "stands still") old.pause();
		else wire.cut();
		await successor.logged("leading");
		const held = await submit(client, small("held", "sleep 1000"));
		const heldAttempt = await started(client, held, "held");
		// Both believe that they lead. What the old one is told now, it takes in when it goes on.
		const submissionId = randomUUID();
		const submitted = submit(old.client, small("late", "'true'"), submissionId).catch(() => null);
		const cancelled = old.client.cancelRun(before).catch(() => null);
		if (fault === "stands still") old.resume();
		else wire.heal();
		await old.gone;

		// What it has acknowledged is true, and what it has not can be asked again.
		expect(await cancelled).toBeNull();
		const told = await submitted;
		const known = (await client.runs()).items.filter(({ pipeline }) => pipeline === "late").map(({ id }) => id);
		expect(known).toEqual(told === null ? [] : [told]);
		const late = await submit(client, small("late", "'true'"), submissionId);
		expect((await happened(client, late, ({ kind }) => kind === "runFinished")).data.state).toBe("succeeded");

		steps.open("all");
		await endedOnce(client, before, steps);
		expect(steps.executed("before")).toEqual([attempt]);
		// Nothing that it has said since has stopped what it does not know.
		expect((await client.run(held)).stepList[0]?.attempts.map(({ id, state }) => `${id} ${state}`)).toEqual([
			`${heldAttempt} running`,
		]);
		await client.cancelRun(held);
		expect((await happened(client, held, ({ kind }) => kind === "runFinished")).data.state).toBe("cancelled");
		await gone(heldAttempt);

		// The journal has nothing else to tell.
		const shown = (await client.runs()).items;
		await successor.kill();
		await mesh.coordinator("successor");
		expect((await client.runs()).items).toEqual(shown);
		expect(shown.map(({ pipeline, state }) => `${pipeline} ${state}`).sort()).toEqual([
			"gated succeeded",
			"held cancelled",
			"late succeeded",
		]);
	},
);

test.concurrent("a leader that nobody succeeds stands still for longer than a lease: what runs goes on, nothing is run again", async ({
	onTestFinished,
}) => {
	const mesh = await startLooseMesh(onTestFinished);
	const leader = await mesh.coordinator("leader");
	await mesh.agent("first", { coordinator: leader.grpc });
	await mesh.agent("second", { coordinator: leader.grpc });
	const names = ["a", "b"];
	const steps = gatedSteps(mesh, names);
	const run = await submit(leader.client, steps.pipeline);
	const attempts = await Promise.all(names.map((name) => started(leader.client, run, name)));

	leader.pause();
	await delay(LEASE_MS + 1_000);
	leader.resume();
	steps.open("all");
	const { stepList } = await endedOnce(leader.client, run, steps);
	expect(stepList.flatMap((step) => step.attempts.map(({ id }) => id)).filter((id) => attempts.includes(id))).toEqual(
		attempts,
	);
	expect(stepList.filter((step) => step.attempts.length !== 1)).toEqual([]);
});

test.concurrent("a run is cancelled, and the leader killed in the same moment: the next one ends it, and no process is left", async ({
	onTestFinished,
}) => {
	const mesh = await startLooseMesh(onTestFinished);
	const { client, grpc, kill } = await mesh.coordinator("leader");
	const agent = await mesh.agent("agent", { coordinator: grpc });
	const steps = gatedSteps(mesh, ["runs"]);
	const run = await submit(client, steps.pipeline);
	const attempt = await started(client, run, "runs");

	// It hears of the cancel from the next leader alone.
	agent.pause();
	await client.cancelRun(run);
	await kill();
	agent.resume();
	await mesh.coordinator("leader");
	expect((await happened(client, run, ({ kind }) => kind === "runFinished")).data.state).toBe("cancelled");
	await gone(attempt);
	expect(steps.executed("runs")).toEqual([attempt]);
});
