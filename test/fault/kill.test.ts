/** Processes of the mesh killed in the middle of a run: it goes on, ends green, and nothing has happened twice. */

import { expect, onTestFinished, test } from "vitest";
import { createApiClient } from "#cli/lib/client.ts";
import { requireCredentials } from "#shared/credentials.ts";
import { readMesh } from "#shared/mesh.ts";
import { processStart } from "#shared/process.ts";
import { checkFaultRun, drawMoments, writeFaultPipeline } from "#test/support/fault-pipeline.ts";
import { newPlace, startRealMesh, upAtOnePlace } from "#test/support/real-mesh.ts";

test.each(["coordinator", "agent", "nats-server"])("%s is killed in the middle of a step", async (victim) => {
	const [moment] = drawMoments(victim, 1);
	const mesh = await startRealMesh();
	const run = mesh.start("run", writeFaultPipeline(mesh));
	await run.printed(moment?.shown ?? /^/);
	await mesh.kill(victim);
	expect(await run.finished).toMatchObject({ code: 0, stderr: "" });
	await checkFaultRun(mesh, run.text());
});

test("all three are killed, each at another moment of one run", async () => {
	const moments = drawMoments("all", 3);
	const mesh = await startRealMesh();
	const run = mesh.start("run", writeFaultPipeline(mesh));
	for (const [index, victim] of ["nats-server", "agent", "coordinator"].entries()) {
		await run.printed(moments[index]?.shown ?? /^/);
		await mesh.kill(victim);
	}
	expect(await run.finished).toMatchObject({ code: 0, stderr: "" });
	await checkFaultRun(mesh, run.text());
});

test("all three are killed at once", async () => {
	const [moment] = drawMoments("at once", 1);
	const mesh = await startRealMesh();
	const run = mesh.start("run", writeFaultPipeline(mesh));
	await run.printed(moment?.shown ?? /^/);
	await Promise.all(["nats-server", "agent", "coordinator"].map(mesh.kill));
	expect(await run.finished).toMatchObject({ code: 0, stderr: "" });
	await checkFaultRun(mesh, run.text());
});

test("`up` itself is killed, and another `up` on the same home takes the run to its end", async () => {
	const [moment] = drawMoments("up", 1);
	const place = newPlace();
	const { up, ports } = await upAtOnePlace(place);
	const killed = await up();
	const processes = readMesh(place.home)?.processes ?? {};
	const run = place.start("run", writeFaultPipeline(place));
	await run.printed(moment?.shown ?? /^/);
	killed.kill();
	await killed.finished;

	const again = await up();
	onTestFinished(async () => {
		again.kill("SIGTERM");
		await again.finished;
	});
	for (const pid of Object.values(processes)) expect(processStart(pid)).toBeNull();
	expect(await run.finished).toMatchObject({ code: 0, stderr: "" });
	const { apiToken } = requireCredentials(place.home, {});
	const client = createApiClient({ url: `http://127.0.0.1:${ports.http}`, token: apiToken });
	await checkFaultRun({ ...place, client }, run.text());
});
