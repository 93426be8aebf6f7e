/** A second machine, in all but the hardware: a home of its own that joins by a token, takes work, and leaves. */

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { AgentView, JoinTokenView, RunDetail } from "#shared/api.ts";
import { lockOwner } from "#shared/lock.ts";
import { homeEnv, type Running, startCommand } from "#test/support/command-line.ts";
import { type RealMesh, startRealMesh } from "#test/support/real-mesh.ts";

const FREE_PORTS = ["--grpc-port", "0", "--serving-port", "0"];

/** Of a home beside the mesh's own. */
const machine = (mesh: RealMesh, env: NodeJS.ProcessEnv = {}) => {
	const home = join(mesh.folder, "second");
	return {
		home,
		start: (...args: string[]): Running => {
			const running = startCommand(args, homeEnv(home, env));
			onTestFinished(async () => {
				running.kill("SIGTERM");
				await running.finished;
			});
			return running;
		},
	};
};

const newToken = (mesh: RealMesh, ...flags: string[]) =>
	mesh.json<JoinTokenView & { command: string }>("token", "create", ...flags);

const oneStep = (mesh: RealMesh): string =>
	join(
		mesh.write("one", {
			"pipeline.yaml": "name: one\nsteps:\n  here:\n    labels: {zone: lab}\n    run: echo $RUNMESH_STEP\n",
		}),
		"pipeline.yaml",
	);

test("a machine joins by a token, runs a step, is stopped and started without a flag, and runs another", async () => {
	const mesh = await startRealMesh({ agents: 0 });
	const { token = "", id, command } = await newToken(mesh);
	expect(command).toContain(`runmesh agent join ${mesh.mesh.url} --token ${token}`);
	const second = machine(mesh, { RUNMESH_JOIN_TOKEN: token });
	const first = second.start("agent", "join", mesh.mesh.url, "--name", "second", "--labels", "zone=lab", ...FREE_PORTS);
	await first.printed(/"msg":"ready"/);
	expect(first.text()).toContain(`has joined the mesh at ${mesh.mesh.url}`);
	expect(statSync(join(second.home, "credentials.json")).mode & 0o777).toBe(0o600);

	const run = await mesh.json<RunDetail>("run", oneStep(mesh));
	expect(run.stepList[0]?.attempts).toMatchObject([{ agent: "second", state: "succeeded" }]);
	expect(await mesh.json("token", "ls")).toMatchObject([{ id, used: 1, uses: 1 }]);
	first.kill("SIGTERM");
	expect((await first.finished).code).toBe(0);

	const again = second.start("agent", "start");
	await again.printed(/"msg":"ready"/);
	// The command has become the agent: no second process waits beside it.
	expect(lockOwner(join(second.home, "agent", "agent.lock"))?.pid).toBe(again.pid);
	expect((await mesh.json<RunDetail>("run", oneStep(mesh), "--no-cache")).state).toBe("succeeded");
	const there = startCommand(["agents", "ls", "-o", "json"], homeEnv(second.home));
	expect(JSON.parse((await there.finished).stdout.toString())).toMatchObject([{ id: "second", state: "online" }]);
});

test("a token serves once, and one that is revoked not at all", async () => {
	const mesh = await startRealMesh({ agents: 0 });
	const { token = "", id } = await newToken(mesh);
	const join1 = ["agent", "join", mesh.mesh.url, "--no-start", "--token", token];
	expect((await machine(mesh).start(...join1).finished).code).toBe(0);
	const third = startCommand(join1, homeEnv(join(mesh.folder, "third")));
	expect(await third.finished).toMatchObject({ code: 6, stderr: expect.stringContaining("token") });
	const revoked = await newToken(mesh, "--uses", "3", "--expires", "1h");
	await mesh.run("token", "revoke", revoked.id);
	const late = startCommand(
		["agent", "join", mesh.mesh.url, "--token", revoked.token ?? ""],
		homeEnv(join(mesh.folder, "fourth")),
	);
	expect((await late.finished).code).toBe(6);
	expect((await mesh.json<JoinTokenView[]>("token", "ls")).map((token) => token.id)).not.toContain(revoked.id);
	expect(id).not.toBe(revoked.id);
});

test("a home of another mesh is not overwritten, unless that is wanted", async () => {
	const mesh = await startRealMesh({ agents: 0 });
	const second = machine(mesh);
	const { token = "" } = await newToken(mesh, "--uses", "2");
	expect((await second.start("agent", "join", mesh.mesh.url, "--token", token, "--no-start").finished).code).toBe(0);
	const credentials = join(second.home, "credentials.json");
	const before = readFileSync(credentials, "utf8");
	const elsewhere = ["agent", "join", "http://127.0.0.1:9", "--token", token, "--no-start"];
	const refused = await second.start(...elsewhere).finished;
	expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining("--force") });
	const unreachable = await second.start(...elsewhere, "--force").finished;
	expect(unreachable).toMatchObject({ code: 5, stderr: expect.stringContaining("runmesh up --host") });
	expect(readFileSync(credentials, "utf8")).toBe(before);
	// The mesh's own home is in use.
	expect((await mesh.start("agent", "join", mesh.mesh.url, "--token", token, "--force").finished).code).toBe(4);
});

test("--once: a task is run to its end, what it made is handed on, and the mesh forgets the machine", async () => {
	const mesh = await startRealMesh({ agents: 1 });
	const { token = "" } = await newToken(mesh);
	const second = machine(mesh);
	const agent = second.start(
		...["agent", "join", mesh.mesh.url, "--token", token, "--name", "batch", "--labels", "zone=lab", "--once"],
		...FREE_PORTS,
	);
	await agent.printed(/"msg":"ready"/);
	const go = join(mesh.folder, "go");
	const folder = mesh.write("hand-on", {
		"pipeline.yaml": `name: hand-on
steps:
  make: {labels: {zone: lab}, run: 'echo made > $RUNMESH_OUTPUTS/data', outputs: [data]}
  wait: {run: 'until [ -e ${go} ]; do sleep 0.05; done'}
  use: {needs: [wait], inputs: {data: make.data}, run: 'cat $RUNMESH_INPUTS/data'}
`,
	});
	const running = mesh.start("run", join(folder, "pipeline.yaml"), "-o", "json");
	await agent.printed(/drains, to leave the mesh: its one task is done/);
	writeFileSync(go, "");
	const run = JSON.parse((await running.finished).stdout.toString()) as RunDetail;
	expect(run.stepList.map(({ key, state, attempts }) => [key, state, attempts.at(-1)?.agent])).toEqual([
		["make", "succeeded", "batch"],
		["wait", "succeeded", "lab"],
		["use", "succeeded", "lab"],
	]);
	expect((await agent.finished).code).toBe(0);
	await expect.poll(() => mesh.json<AgentView[]>("agents", "ls"), { timeout: 20_000 }).toMatchObject([{ id: "lab" }]);
	expect(JSON.parse(readFileSync(join(second.home, "agent.json"), "utf8"))).not.toHaveProperty("once");
});

test("an agent of `up` that is drained and asked to leave is not started again", async () => {
	const mesh = await startRealMesh({ agents: 1 });
	const left = mesh.events.next((event) => event.kind === "left");
	await mesh.run("agents", "drain", "lab", "--leave");
	expect(await left).toEqual({ kind: "left", name: "agent" });
	expect(mesh.mesh.processes()).not.toHaveProperty("agent");
	await expect.poll(() => mesh.json<AgentView[]>("agents", "ls"), { timeout: 20_000 }).toEqual([]);
});
