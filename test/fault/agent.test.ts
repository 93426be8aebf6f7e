/** An agent that stands still or is gone for longer than its lease: its steps take effect once, whoever ends them. */

import { cpSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { endedOnce, gatedSteps, gone, happened, lost, started } from "#test/support/gated-steps.ts";
import { startLooseMesh, submit } from "#test/support/loose-mesh.ts";

test.concurrent("another agent takes the steps of one that is paused, which ends its own when it goes on", async ({
	onTestFinished,
}) => {
	const mesh = await startLooseMesh(onTestFinished);
	const { client, grpc } = await mesh.coordinator("coordinator");
	const paused = await mesh.agent("paused", { coordinator: grpc });
	const steps = gatedSteps(mesh, ["runs", "ends"]);
	const run = await submit(client, steps.pipeline);
	const [runs, ends] = [await started(client, run, "runs"), await started(client, run, "ends")];
	await mesh.agent("other", { coordinator: grpc });

	paused.pause();
	await lost(client, run, runs);
	const [runsAgain, endsAgain] = [await started(client, run, "runs", 2), await started(client, run, "ends", 2)];
	// One has ended well meanwhile, and nobody may count it; the other runs on until it is told to stop.
	steps.open(ends);
	await gone(ends);
	paused.resume();
	await gone(runs);

	steps.open(endsAgain);
	steps.open(runsAgain);
	const { stepList } = await endedOnce(client, run, steps);
	expect(stepList.find(({ key }) => key === "ends")?.attempts.map(({ agent }) => agent)).toEqual(["paused", "other"]);
});

test.concurrent("the only agent is paused: what it has run meanwhile counts, and nothing is run again", async ({
	onTestFinished,
}) => {
	const mesh = await startLooseMesh(onTestFinished);
	const { client, grpc } = await mesh.coordinator("coordinator");
	const paused = await mesh.agent("paused", { coordinator: grpc });
	const steps = gatedSteps(mesh, ["runs", "ends"]);
	const run = await submit(client, steps.pipeline);
	const [runs, ends] = [await started(client, run, "runs"), await started(client, run, "ends")];

	paused.pause();
	await lost(client, run, runs);
	steps.open(ends);
	await gone(ends);
	paused.resume();
	await happened(client, run, ({ kind, step }) => kind === "stepSettled" && step === "ends-reader");
	steps.open(runs);
	const { stepList } = await endedOnce(client, run, steps);
	expect(stepList.map(({ key, attempts }) => `${key} ${attempts.length}`)).toEqual(
		stepList.map(({ key }) => `${key} 1`),
	);
});

test.concurrent.for(["paused", "killed"])(
	"a run is cancelled while its agent is %s: it ends, and so do its processes",
	async (how, { onTestFinished }) => {
		const mesh = await startLooseMesh(onTestFinished);
		const { client, grpc } = await mesh.coordinator("coordinator");
		const agent = await mesh.agent("agent", { coordinator: grpc });
		const steps = gatedSteps(mesh, ["runs"]);
		const run = await submit(client, steps.pipeline);
		const attempt = await started(client, run, "runs");

		if (how === "paused") agent.pause();
		else await agent.kill();
		await client.cancelRun(run);
		const end = await happened(client, run, ({ kind }) => kind === "runFinished");
		expect(end.data.state).toBe("cancelled");
		if (how === "paused") agent.resume();
		else await mesh.agent("agent", { coordinator: grpc });
		await gone(attempt);
		expect(steps.executed("runs")).toEqual([attempt]);
	},
);

test.concurrent.for(["while it lives", "at the same moment", "while it stands still"])(
	"an agent is started on a copy of another's home %s: one of the two goes on, and no step runs twice",
	async (when, { onTestFinished }) => {
		const mesh = await startLooseMesh(onTestFinished);
		const { client, grpc } = await mesh.coordinator("coordinator");
		await (await mesh.agent("agent", { coordinator: grpc })).kill();
		cpSync(join(mesh.folder, "agent"), join(mesh.folder, "copy"), { recursive: true });

		const starting = mesh.agent("agent", { coordinator: grpc });
		if (when !== "at the same moment") await starting;
		if (when === "while it stands still") (await starting).pause();
		const twins = [starting, mesh.agent("copy", { coordinator: grpc })];
		if (when === "while it stands still") {
			await twins[1];
			(await starting).resume();
		}
		// The one that is refused says so as it starts, or ends soon after.
		await Promise.race(twins.map((twin) => twin.then(({ gone }) => gone).catch(refused)));
		const steps = gatedSteps(mesh, ["a", "b", "c", "d"]);
		steps.open("all");
		await endedOnce(client, await submit(client, steps.pipeline), steps);
	},
);

const refused = (error: Error): void => expect(error.message).toContain("another agent with the id agent runs on");
