/**
 * An agent that the others can't reach, by NATS and by gRPC: broken connections, and silent ones that look as if they
 * lived. Its steps take effect once, whoever ends them, and their output is whole.
 */

import { expect, test } from "vitest";
import { endedOnce, gatedSteps, gone, happened, lost, started, wholeLog } from "#test/support/gated-steps.ts";
import { type AtEnd, type LooseMesh, startLooseMesh, submit } from "#test/support/loose-mesh.ts";
import { startWire, type Wire } from "#test/support/wire.ts";

/** The wires of one agent, and an agent on them. */
const startFarAgent = async (
	mesh: LooseMesh,
	grpc: string,
	atEnd: AtEnd,
): Promise<Pick<Wire, "cut" | "swallow" | "heal">> => {
	const wires = [await startWire(new URL(mesh.nats.url).host, atEnd), await startWire(grpc, atEnd)] as const;
	const [nats, coordinator] = wires;
	await mesh.agent("far", { nats: nats.address, coordinator: coordinator.address });
	const each = (act: "cut" | "swallow" | "heal") => (): void => {
		for (const wire of wires) wire[act]();
	};
	return { cut: each("cut"), swallow: each("swallow"), heal: each("heal") };
};

const faults = ["cut", "swallow"] as const;

test.concurrent.for(faults)(
	"another agent takes the steps of one that is far (%s), which ends its own when it is back",
	async (fault, { onTestFinished }) => {
		const mesh = await startLooseMesh(onTestFinished);
		const { client, grpc } = await mesh.coordinator("coordinator");
		const far = await startFarAgent(mesh, grpc, onTestFinished);
		const steps = gatedSteps(mesh, ["runs", "ends"]);
		const run = await submit(client, steps.pipeline);
		const [runs, ends] = [await started(client, run, "runs"), await started(client, run, "ends")];
		await mesh.agent("near", { coordinator: grpc });

		far[fault]();
		await lost(client, run, runs);
		const [runsAgain, endsAgain] = [await started(client, run, "runs", 2), await started(client, run, "ends", 2)];
		steps.open(ends);
		await gone(ends);
		far.heal();
		await gone(runs);

		steps.open(endsAgain);
		steps.open(runsAgain);
		await endedOnce(client, run, steps);
	},
);

test.concurrent.for(faults)(
	"the only agent is far (%s): what it has run meanwhile counts, with its output, and nothing is run again",
	async (fault, { onTestFinished }) => {
		const mesh = await startLooseMesh(onTestFinished);
		const { client, grpc } = await mesh.coordinator("coordinator");
		const far = await startFarAgent(mesh, grpc, onTestFinished);
		const steps = gatedSteps(mesh, ["runs", "ends"]);
		const run = await submit(client, steps.pipeline);
		const [runs, ends] = [await started(client, run, "runs"), await started(client, run, "ends")];

		far[fault]();
		await lost(client, run, runs);
		steps.open(ends);
		await gone(ends);
		far.heal();
		await happened(client, run, ({ kind, step }) => kind === "stepSettled" && step === "ends-reader");
		steps.open(runs);
		const { stepList } = await endedOnce(client, run, steps);
		expect(stepList.map(({ key, attempts }) => `${key} ${attempts.length}`)).toEqual(
			stepList.map(({ key }) => `${key} 1`),
		);
		for (const name of ["runs", "ends"]) await wholeLog(client, run, name);
	},
);

test.concurrent("a run is cancelled while its agent is far: it ends, and so do its processes when the agent is back", async ({
	onTestFinished,
}) => {
	const mesh = await startLooseMesh(onTestFinished);
	const { client, grpc } = await mesh.coordinator("coordinator");
	const far = await startFarAgent(mesh, grpc, onTestFinished);
	const steps = gatedSteps(mesh, ["runs"]);
	const run = await submit(client, steps.pipeline);
	const attempt = await started(client, run, "runs");

	far.cut();
	await client.cancelRun(run);
	expect((await happened(client, run, ({ kind }) => kind === "runFinished")).data.state).toBe("cancelled");
	far.heal();
	await gone(attempt);
	expect(steps.executed("runs")).toEqual([attempt]);
});
