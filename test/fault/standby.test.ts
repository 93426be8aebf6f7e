/** Two coordinators on one NATS: the second stands by, and takes a running pipeline to its end when the first is gone. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type ApiClient, createApiClient } from "#cli/lib/client.ts";
import { choosePorts } from "#cli/up/free-ports.ts";
import { homeEnv, type Running, startCommand } from "#test/support/command-line.ts";
import { drawMoments, type Moment, writeFaultPipeline } from "#test/support/fault-pipeline.ts";
import { startNatsServer } from "#test/support/nats-server.ts";
import { ended, journalOf, newPlace, type Place } from "#test/support/real-mesh.ts";
import { processesNaming } from "#test/support/test-folder.ts";

interface Ports {
	http: number;
	grpc: number;
}

interface TwoCoordinators {
	place: Place;
	/** Runs a command in a home of its own; it ends with the test. */
	start(home: string, ...args: string[]): Running;
	/** Of the coordinator on these ports. */
	client(ports: Ports): ApiClient;
	/** For good; resolves when the second one leads. */
	killFirst(): Promise<void>;
}

/** And an agent that was told of the first alone. */
const startTwo = async (first: Ports, second: Ports): Promise<TwoCoordinators> => {
	const place = newPlace();
	const nats = await startNatsServer();
	onTestFinished(() => nats.stop());
	const { apiToken, meshToken, natsUser, natsPassword } = nats.credentials;
	const secrets = {
		RUNMESH_TOKEN: apiToken,
		RUNMESH_MESH_TOKEN: meshToken,
		RUNMESH_NATS_USER: natsUser,
		RUNMESH_NATS_PASSWORD: natsPassword,
	};
	const start = (home: string, ...args: string[]): Running => {
		const command = startCommand(args, homeEnv(join(place.folder, home), secrets));
		onTestFinished(async () => {
			command.kill("SIGTERM");
			await command.finished;
		});
		return command;
	};
	const coordinator = (home: string, { http, grpc }: Ports): Running =>
		start(
			home,
			...["coordinator", "start", "--nats", nats.url],
			...["--http-port", String(http), "--grpc-port", String(grpc)],
		);
	await coordinator("first", first).printed(/"leading"/);
	const standby = coordinator("second", second);
	await standby.printed(/standing by/);
	const agent = ["agent", "start", "--nats", nats.url, "--coordinator", `127.0.0.1:${first.grpc}`, "--name", "lab"];
	await start("agent", ...agent, "--grpc-port", "0", "--serving-port", "0").printed(/"ready"/);
	return {
		place,
		start,
		client: ({ http }) => createApiClient({ url: `http://127.0.0.1:${http}`, token: apiToken }),
		killFirst: async () => {
			const [leader] = processesNaming(join(place.folder, "first")).filter(({ command }) =>
				command.includes("main.ts --home"),
			);
			process.kill(leader?.pid ?? 0, "SIGKILL");
			await standby.printed(/"leading"/);
		},
	};
};

const freePorts = async (): Promise<Ports> => (await choosePorts("127.0.0.1", { http: 0, grpc: 0 })).ports;

/** The run is green, and every attempt was executed once. */
const checkRun = async (client: ApiClient, { folder }: Place): Promise<string> => {
	const { id } = await client.run("latest");
	const { state, stepList } = await ended(client, id);
	expect(state).toBe("succeeded");
	const settled = (await journalOf(client, id)).filter(({ kind }) => kind === "stepSettled").map(({ step }) => step);
	expect(settled.sort()).toEqual(stepList.map(({ key }) => key).sort());
	for (const { key, attempts } of stepList.filter((step) => step.attempts.length > 0)) {
		const marks = readFileSync(join(folder, "marks", key), "utf8")
			.trimEnd()
			.split("\n");
		expect(marks, `${key} was executed`).toEqual(attempts.map(({ id }) => id));
	}
	return id;
};

const untilShown = async (run: Running, moment: Moment | undefined): Promise<void> => {
	await run.printed(moment?.shown ?? /^/);
};

test("a coordinator that stands by leads when the first is killed for good, and the run ends green", async () => {
	const [moment] = drawMoments("standby", 1);
	// Both at the same address: the second opens it when it leads, and whoever talked to the first finds it there.
	const ports = await freePorts();
	const { place, start, client, killFirst } = await startTwo(ports, ports);
	const run = start("user", "run", writeFaultPipeline(place), "--url", `http://127.0.0.1:${ports.http}`);
	await untilShown(run, moment);
	await killFirst();
	expect((await run.finished).code).toBe(0);
	await checkRun(client(ports), place);
});

test("agents find the one that leads, wherever it is", async () => {
	const [moment] = drawMoments("elsewhere", 1);
	const [first, second] = [await freePorts(), await freePorts()];
	const { place, start, client, killFirst } = await startTwo(first, second);
	await expect(client(second).run("latest")).rejects.toMatchObject({
		code: "RM_UNAVAILABLE",
		hint: `http://127.0.0.1:${first.http} leads`,
	});
	const run = start("user", "run", writeFaultPipeline(place), "--url", `http://127.0.0.1:${first.http}`);
	await untilShown(run, moment);
	await killFirst();
	run.kill();
	const id = await checkRun(client(second), place);
	// What it printed after the first was gone has come to the second, as a whole.
	const lines: string[] = [];
	for await (const { text } of client(second).followLogs(id, "validate")) lines.push(text);
	expect(lines.join("")).toMatch(/^line 1 of 30\n(.*\n)*line 30 of 30\n$/);
});
