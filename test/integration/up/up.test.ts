import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type NatsConnection } from "nats";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { stopMesh } from "#cli/up/down.ts";
import type { MeshEvent, MeshOptions } from "#cli/up/options.ts";
import { waitUntilGone } from "#cli/up/process-table.ts";
import { type RunningMesh, startMesh } from "#cli/up/up.ts";
import { natsAuth, readCredentials } from "#shared/credentials.ts";
import { type Home, resolveHome } from "#shared/home.ts";
import { writeJoined } from "#shared/joined.ts";
import { readMesh } from "#shared/mesh.ts";
import { processStart } from "#shared/process.ts";
import { standInMesh } from "#test/support/stand-in-mesh.ts";
import { type EventLog, eventLog } from "#test/support/up-events.ts";

let home: Home;
let events: EventLog<MeshEvent>;

beforeEach(() => {
	home = resolveHome(mkdtempSync(join(tmpdir(), "runmesh-up-")));
	events = eventLog();
	onTestFinished(() => rmSync(home.root, { recursive: true }));
});

const start = async (more: Partial<MeshOptions> = {}): Promise<RunningMesh> => {
	const mesh = await startMesh({ ...standInMesh, home, onEvent: events.onEvent, ...more });
	onTestFinished(() => mesh.stop());
	return mesh;
};

const pidOf = (mesh: RunningMesh, name: string): number => {
	const pid = mesh.processes()[name];
	if (pid === undefined) throw new Error(`${name} does not run`);
	return pid;
};

const connectTo = async (mesh: { nats: string }): Promise<NatsConnection> => {
	const credentials = readCredentials(home, {});
	if (!credentials) throw new Error("the home has no credentials");
	const connection = await connect({ servers: mesh.nats, ...natsAuth(credentials) });
	onTestFinished(() => connection.close());
	return connection;
};

/** A stream with one message; `countKept` finds it again. */
const keepSomething = async (mesh: { nats: string }): Promise<void> => {
	const connection = await connectTo(mesh);
	await (await connection.jetstreamManager()).streams.add({ name: "KEPT", subjects: ["kept"] });
	await connection.jetstream().publish("kept", "one");
	await connection.close();
};

const countKept = async (mesh: { nats: string }): Promise<number> => {
	const manager = await (await connectTo(mesh)).jetstreamManager();
	return (await manager.streams.info("KEPT")).state.messages;
};

const allGone = (processes: Record<string, number>): boolean =>
	Object.values(processes).every((pid) => processStart(pid) === null);

const runsAgain = (name: string): Promise<MeshEvent> =>
	events.next((event) => event.kind === "ready" && event.name === name && event.restarts > 0);

test("a mesh starts, says where it is, and leaves nothing running when it stops", async () => {
	const mesh = await start({ agents: 2 });
	expect(mesh.agents.map(({ name }) => name)).toEqual(["lab", "lab-2"]);
	const processes = mesh.processes();
	expect(Object.keys(processes)).toEqual(["nats-server", "coordinator", "agent", "agent-2"]);
	expect(readMesh(home)).toMatchObject({
		pid: process.pid,
		url: mesh.url,
		grpc: mesh.grpc,
		nats: mesh.nats,
		processes,
	});
	for (const path of [home.credentials, home.mesh, home.lock, join(home.nats, "nats.conf")]) {
		expect(statSync(path).mode & 0o777).toBe(0o600);
	}
	await mesh.stop();
	expect(allGone(processes)).toBe(true);
	expect([existsSync(home.mesh), existsSync(home.lock)]).toEqual([false, false]);
});

test("no secret stands in an argument of any process", async () => {
	const mesh = await start();
	const secrets = Object.entries(mesh.credentials).filter(([name]) => name !== "natsUser");
	for (const pid of Object.values(mesh.processes())) {
		const args = process.platform === "linux" ? readFileSync(`/proc/${pid}/cmdline`, "utf8") : "";
		for (const [, secret] of secrets) expect(args).not.toContain(secret);
	}
});

test("credentials outlive a restart; what NATS keeps does too", async () => {
	const mesh = await start({ agents: 0 });
	await keepSomething(mesh);
	await mesh.stop();
	const again = await start({ agents: 0 });
	expect(again.credentials).toEqual(mesh.credentials);
	expect(await countKept(again)).toBe(1);
});

test("a second one on the same home is refused, and the first goes on", async () => {
	const mesh = await start({ agents: 0 });
	await expect(start()).rejects.toMatchObject({
		code: "RM_ALREADY_UP",
		message: expect.stringContaining(`${mesh.url} (process ${process.pid})`),
	});
	expect(allGone(mesh.processes())).toBe(false);
	expect(readMesh(home)?.url).toBe(mesh.url);
});

test("a home that has joined another mesh starts none of its own", async () => {
	writeJoined(home, { url: "http://lab-1:7400" });
	await expect(start()).rejects.toMatchObject({ code: "RM_CONFLICT", message: expect.stringContaining("lab-1") });
	expect(existsSync(home.lock)).toBe(false);
});

test("a lock left by a process that has gone is taken over", async () => {
	writeFileSync(home.lock, JSON.stringify({ pid: 4_000_000, start: "an earlier boot" }));
	const mesh = await start({ agents: 0 });
	expect(JSON.parse(readFileSync(home.lock, "utf8")).pid).toBe(process.pid);
	await mesh.stop();
});

test("a taken port is named, and nothing stays behind", async () => {
	const other = createServer();
	await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
	onTestFinished(() => void other.close());
	const address = other.address();
	const port = address !== null && typeof address === "object" ? address.port : 0;
	await expect(start({ httpPort: port })).rejects.toMatchObject({
		code: "RM_PORT_IN_USE",
		message: expect.stringContaining(`port ${port} (--http-port)`),
		hint: expect.stringContaining("--http-port 0"),
	});
	expect(existsSync(home.lock)).toBe(false);
});

test("a killed nats-server comes back on the same port with its data", async () => {
	const mesh = await start();
	await keepSomething(mesh);
	const back = runsAgain("nats-server");
	process.kill(pidOf(mesh, "nats-server"), "SIGKILL");
	await back;
	expect(await countKept(mesh)).toBe(1);
	expect(readMesh(home)?.processes).toEqual(mesh.processes());
});

test("a killed coordinator and a killed agent come back, and the mesh file names them", async () => {
	const mesh = await start();
	for (const name of ["coordinator", "agent"]) {
		const [before, back] = [pidOf(mesh, name), runsAgain(name)];
		process.kill(before, "SIGKILL");
		await back;
		expect(pidOf(mesh, name)).not.toBe(before);
	}
	expect(readMesh(home)?.processes).toEqual(mesh.processes());
});

test.each([
	["dies", /coordinator did not start \(exit code 3\).*the reason stands here/s],
	["refuses", /the journal is not ours/],
])("a node that %s at its start takes everything down again, and its reason is told", async (fault, message) => {
	await expect(start({ agents: 0, env: { ...process.env, STAND_IN_FAULT: fault } })).rejects.toThrow(message);
	const started = events.seen.flatMap((event) => (event.kind === "started" ? [[event.name, event.pid] as const] : []));
	expect(started.map(([name]) => name)).toEqual(["nats-server", "coordinator"]);
	expect(allGone(Object.fromEntries(started))).toBe(true);
	expect(existsSync(home.lock)).toBe(false);
});

test("a start that is called off leaves nothing", async () => {
	const off = new AbortController();
	const natsUp = events.next((event) => event.kind === "ready" && event.name === "nats-server");
	const starting = start({ signal: off.signal });
	await natsUp;
	off.abort();
	await expect(starting).rejects.toThrow(/stopped before the mesh was ready/);
	const started = events.seen.flatMap((event) => (event.kind === "started" ? [[event.name, event.pid] as const] : []));
	expect(allGone(Object.fromEntries(started))).toBe(true);
	expect(existsSync(home.lock)).toBe(false);
});

test("an existing NATS is used instead of one of our own", async () => {
	const { startNatsServer } = await import("#test/support/nats-server.ts");
	const server = await startNatsServer();
	onTestFinished(() => server.stop());
	const { natsUser, natsPassword } = server.credentials;
	const env = { ...process.env, RUNMESH_NATS_USER: natsUser, RUNMESH_NATS_PASSWORD: natsPassword };
	const mesh = await start({ nats: server.url, env });
	expect(mesh.nats).toBe(server.url);
	expect(Object.keys(mesh.processes())).toEqual(["coordinator", "agent"]);
});

interface OtherUp {
	pid: number;
	nats: string;
	processes: Record<string, number>;
}

const startElsewhere = async (): Promise<OtherUp> => {
	const child = fork(fileURLToPath(new URL("../../support/up-process.ts", import.meta.url)), [home.root]);
	onTestFinished(() => void child.kill("SIGKILL"));
	const [said] = (await once(child, "message")) as [OtherUp];
	child.disconnect();
	child.unref();
	return said;
};

const killHard = async (up: OtherUp): Promise<void> => {
	const start = processStart(up.pid);
	process.kill(up.pid, "SIGKILL");
	await waitUntilGone(up.pid, start ?? "", 10_000);
};

test("after `up` is killed its nodes go by themselves, and the next start ends its nats-server and goes on", async () => {
	const killed = await startElsewhere();
	await keepSomething(killed);
	const starts = new Map(Object.entries(killed.processes).map(([name, pid]) => [name, processStart(pid) ?? ""]));
	await killHard(killed);
	for (const name of ["coordinator", "agent"]) {
		expect(await waitUntilGone(killed.processes[name] ?? 0, starts.get(name) ?? "", 20_000)).toBe(true);
	}
	expect(processStart(killed.processes["nats-server"] ?? 0)).not.toBeNull();

	const mesh = await start();
	expect(events.seen).toContainEqual({ kind: "ended", what: expect.stringContaining("nats-server") });
	expect(allGone(killed.processes)).toBe(true);
	expect(await countKept(mesh)).toBe(1);
});

test("`down` stops a mesh of another process, and what a killed one left", async () => {
	const first = await startElsewhere();
	expect(await stopMesh(home)).toEqual([`mesh (process ${first.pid})`]);
	expect(allGone({ up: first.pid, ...first.processes })).toBe(true);

	const second = await startElsewhere();
	await killHard(second);
	expect(await stopMesh(home)).toEqual(expect.arrayContaining([expect.stringContaining("nats-server")]));
	// Coordinator and agent end by themselves, once they have noticed.
	await expect.poll(() => allGone(second.processes), { timeout: 10_000 }).toBe(true);
	expect(await stopMesh(home)).toEqual([]);
});
