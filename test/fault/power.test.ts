/**
 * A power cut: everything dies at once, and what JetStream had acknowledged and not yet synced is gone. What was told to
 * anybody stands all the same.
 */

import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createApiClient } from "#cli/lib/client.ts";
import type { EventView } from "#shared/api.ts";
import { requireCredentials } from "#shared/credentials.ts";
import { checkFaultRun, drawMoments, writeFaultPipeline } from "#test/support/fault-pipeline.ts";
import { journalOf, newPlace, upAtOnePlace } from "#test/support/real-mesh.ts";
import { processesNaming } from "#test/support/test-folder.ts";

test("JetStream loses what it had not synced, and the run ends green all the same", async () => {
	const [moment] = drawMoments("power", 1);
	const line = moment?.line ?? 1;
	// The first step is when JetStream syncs for the last time.
	const step = moment && moment.step !== "prepare" ? moment.step : "validate";
	const place = newPlace();
	const { up, ports } = await upAtOnePlace(place);
	const stream = join(place.home.nats, "store", "jetstream", "$G", "streams", "RM_JOURNAL");
	const synced = join(place.folder, "synced");

	await up();
	const run = place.start("run", writeFaultPipeline(place));
	await run.printed(/^prepare +│ line 10 of/m);
	cpSync(stream, synced, { recursive: true });
	await run.printed(new RegExp(`^${step.replace(".", "\\.")} +│ line ${line} of`, "m"));
	const { apiToken } = requireCredentials(place.home, {});
	const client = createApiClient({ url: `http://127.0.0.1:${ports.http}`, token: apiToken });
	const told: EventView[] = [];
	const { id } = await client.run("latest");
	for await (const event of client.events(id)) {
		told.push(event);
		if (event.kind === "attemptStarted" && event.step === step) break;
	}
	cutPower(place.home.root);
	rmSync(stream, { recursive: true });
	cpSync(synced, stream, { recursive: true });

	const again = await up();
	onTestFinished(async () => {
		again.kill("SIGTERM");
		await again.finished;
	});
	const log = readFileSync(join(place.home.logs, "coordinator.log"), "utf8");
	expect(log).toContain("NATS had lost the end of the journal; it was put back");
	expect(await run.finished).toMatchObject({ code: 0, stderr: "" });
	await checkFaultRun({ ...place, client }, run.text());
	expect((await journalOf(client, id)).slice(0, told.length)).toEqual(told);
});

/** The mesh, and the steps that run in it; who watches the run sits at another machine. */
const cutPower = (home: string): void => {
	const doomed = processesNaming(home).filter(({ command }) => !command.includes("pipeline.yaml"));
	for (const { pid } of doomed) {
		try {
			process.kill(pid, "SIGKILL");
		} catch {
			// It ended since it was listed.
		}
	}
};
