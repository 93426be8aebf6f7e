/** Two coordinators on one NATS: the second stands by, and takes a running pipeline to its end when the first is gone. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createApiClient } from "#cli/lib/client.ts";
import { choosePorts } from "#cli/up/free-ports.ts";
import { homeEnv, type Running, startCommand } from "#test/support/command-line.ts";
import { drawMoments, writeFaultPipeline } from "#test/support/fault-pipeline.ts";
import { startNatsServer } from "#test/support/nats-server.ts";
import { ended, journalOf, newPlace } from "#test/support/real-mesh.ts";
import { processesNaming } from "#test/support/test-folder.ts";

test("a coordinator that stands by leads when the first is killed for good, and the run ends green", async () => {
	const [moment] = drawMoments("standby", 1);
	const place = newPlace();
	const nats = await startNatsServer();
	onTestFinished(() => nats.stop());
	const { ports } = await choosePorts("127.0.0.1", { http: 0, grpc: 0 });
	const { apiToken, meshToken, natsUser, natsPassword } = nats.credentials;
	const secrets = {
		RUNMESH_TOKEN: apiToken,
		RUNMESH_MESH_TOKEN: meshToken,
		RUNMESH_NATS_USER: natsUser,
		RUNMESH_NATS_PASSWORD: natsPassword,
	};
	/** Each in a home of its own; it ends with the test. */
	const start = (home: string, ...args: string[]): Running => {
		const command = startCommand(args, homeEnv(join(place.folder, home), secrets));
		onTestFinished(async () => {
			command.kill("SIGTERM");
			await command.finished;
		});
		return command;
	};
	// Both at the same address: the second opens it when it leads, and whoever talked to the first finds it there.
	const at = ["--nats", nats.url, "--http-port", String(ports.http), "--grpc-port", String(ports.grpc)];
	const first = start("first", "coordinator", "start", ...at);
	await first.printed(/"leading"/);
	const second = start("second", "coordinator", "start", ...at);
	await second.printed(/standing by/);
	const agent = ["agent", "start", "--nats", nats.url, "--coordinator", `127.0.0.1:${ports.grpc}`, "--name", "lab"];
	await start("agent", ...agent, "--grpc-port", "0", "--serving-port", "0").printed(/"ready"/);

	const run = start("user", "run", writeFaultPipeline(place), "--url", `http://127.0.0.1:${ports.http}`);
	await run.printed(moment?.shown ?? /^/);
	const [leader] = processesNaming(join(place.folder, "first")).filter(({ command }) =>
		command.includes("main.ts --home"),
	);
	process.kill(leader?.pid ?? 0, "SIGKILL");
	await second.printed(/"leading"/);

	expect((await run.finished).code).toBe(0);
	const client = createApiClient({ url: `http://127.0.0.1:${ports.http}`, token: apiToken });
	const { id } = await client.run("latest");
	const { state, stepList } = await ended(client, id);
	expect(state).toBe("succeeded");
	const settled = (await journalOf(client, id)).filter(({ kind }) => kind === "stepSettled").map(({ step }) => step);
	expect(settled.sort()).toEqual(stepList.map(({ key }) => key).sort());
	for (const { key, attempts } of stepList.filter((step) => step.attempts.length > 0)) {
		const marks = readFileSync(join(place.folder, "marks", key), "utf8")
			.trimEnd()
			.split("\n");
		expect(marks, `${key} was executed`).toEqual(attempts.map(({ id }) => id));
	}
});
