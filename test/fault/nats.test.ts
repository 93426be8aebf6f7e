/** nats-server is killed in mid-run, again at once, and away for longer than a lease: nothing is lost or run again. */

import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { checkFaultRun, drawMoments, writeFaultPipeline } from "#test/support/fault-pipeline.ts";
import { endedOnce, gatedSteps, gone, happened, started } from "#test/support/gated-steps.ts";
import { LEASE_MS, startLooseMesh, submit } from "#test/support/loose-mesh.ts";
import { startRealMesh } from "#test/support/real-mesh.ts";
import { startWire } from "#test/support/wire.ts";

test.concurrent("nats-server is killed twice in short succession while output flows", async ({ onTestFinished }) => {
	const [moment] = drawMoments("nats-server, twice", 1);
	const mesh = await startRealMesh({}, onTestFinished);
	const run = mesh.start("run", writeFaultPipeline(mesh));
	await run.printed(moment?.shown ?? /^/);
	await mesh.kill("nats-server");
	await mesh.kill("nats-server");
	expect(await run.finished).toMatchObject({ code: 0, stderr: "" });
	await checkFaultRun(mesh, run.text());
});

/** The length of the outage is the fault itself. */
const outage = (): Promise<void> => delay(LEASE_MS + 1_000);

test.concurrent("nats-server is away for longer than a lease: what runs goes on, what has ended counts, nothing is run again", async ({
	onTestFinished,
}) => {
	const mesh = await startLooseMesh(onTestFinished);
	const { client, grpc } = await mesh.coordinator("coordinator");
	const wire = await startWire(new URL(mesh.nats.url).host, onTestFinished);
	await mesh.agent("first", { coordinator: grpc });
	await mesh.agent("second", { coordinator: grpc, nats: wire.address });
	const names = ["a", "b", "c", "d"];
	const steps = gatedSteps(mesh, names);
	const run = await submit(client, steps.pipeline);
	const attempts = await Promise.all(names.map((name) => started(client, run, name)));

	await mesh.nats.kill();
	wire.cut();
	for (const attempt of attempts.slice(0, 2)) steps.open(attempt);
	await Promise.all(attempts.slice(0, 2).map(gone));
	await outage();
	await mesh.nats.restart();
	const back = Date.now();
	// One of them is back before the other: it must not be given what the other still runs.
	while (((await client.agent("first")).lastHeartbeatAtMs ?? 0) < back);
	wire.heal();
	steps.open("all");
	const { stepList } = await endedOnce(client, run, steps);
	expect(new Set(stepList.flatMap((step) => step.attempts.map(({ agent }) => agent)))).toEqual(
		new Set(["first", "second"]),
	);
	expect(stepList.filter(({ attempts }) => attempts.length !== 1)).toEqual([]);
});

test.concurrent("a run is cancelled while nats-server is away: it ends when that is back, and no process is left", async ({
	onTestFinished,
}) => {
	const mesh = await startLooseMesh(onTestFinished);
	const { client, grpc } = await mesh.coordinator("coordinator");
	await mesh.agent("agent", { coordinator: grpc });
	const steps = gatedSteps(mesh, ["runs"]);
	const run = await submit(client, steps.pipeline);
	const attempt = await started(client, run, "runs");

	await mesh.nats.kill();
	const [cancelled] = await Promise.all([client.cancelRun(run), mesh.nats.restart()]);
	expect(["cancelling", "cancelled"]).toContain(cancelled.state);
	expect((await happened(client, run, ({ kind }) => kind === "runFinished")).data.state).toBe("cancelled");
	await gone(attempt);
	expect(steps.executed("runs")).toEqual([attempt]);
});
