/** An agent with wrong credentials says so, and says which and where they come from. */

import { Writable } from "node:stream";
import { type Logger, pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { connectNats } from "#agent/link/connection.ts";
import { rarely } from "#agent/link/rarely.ts";
import { logProblems } from "#agent/logs/problems.ts";
import { RunmeshError } from "#shared/errors.ts";
import { resolveHome } from "#shared/home.ts";
import type { AgentId } from "#shared/ids.ts";
import { startNatsServer } from "#test/support/nats-server.ts";

const home = resolveHome("/nowhere");

interface Line {
	level: number;
	msg: string;
	hint?: string;
}

const listen = (): { log: Logger; lines: Line[]; said: Promise<Line> } => {
	const lines: Line[] = [];
	const { promise: said, resolve } = Promise.withResolvers<Line>();
	const output = new Writable({
		write: (text: Buffer, _encoding, done) => {
			const line = JSON.parse(text.toString()) as Line;
			lines.push(line);
			resolve(line);
			done();
		},
	});
	return { log: pino(output), lines, said };
};

test("NATS's refusal is told, with the place of the password; the right one gets in", async () => {
	const nats = await startNatsServer();
	onTestFinished(() => nats.stop());
	const { log, said } = listen();
	const agent = { servers: [nats.url], agentId: "box" as AgentId, home, log };
	const connecting = connectNats({ ...agent, credentials: { ...nats.credentials, natsPassword: "wrong" } });
	connecting.catch(() => undefined);
	expect(await said).toMatchObject({
		level: 40,
		msg: expect.stringContaining('refuses the user "runmesh"'),
		hint: expect.stringMatching(/RUNMESH_NATS_PASSWORD.*\/nowhere\/credentials\.json/),
	});
	const connection = await connectNats({ ...agent, credentials: nats.credentials });
	onTestFinished(() => connection.close());
	expect(connection.isClosed()).toBe(false);
});

test("a refused mesh token is a warning, a lost coordinator is none, and each is told once a minute", () => {
	const { log, lines } = listen();
	const onProblem = logProblems(home, log);
	for (let times = 0; times < 3; times++) {
		onProblem(new RunmeshError("RM_UNAUTHENTICATED", "no valid mesh token"));
		onProblem(new RunmeshError("RM_UNAVAILABLE", "it is gone"));
	}
	expect(lines).toMatchObject([
		{ level: 40, hint: expect.stringMatching(/RUNMESH_MESH_TOKEN.*credentials\.json/) },
		{ level: 30, msg: expect.stringContaining("it is gone") },
	]);
});

test("what is said rarely is said again after a minute", () => {
	const said: number[] = [];
	let nowMs = 0;
	const say = rarely(
		(at: number) => said.push(at),
		() => nowMs,
	);
	for (nowMs = 0; nowMs <= 120_000; nowMs += 10_000) say(nowMs);
	expect(said).toEqual([0, 60_000, 120_000]);
});
