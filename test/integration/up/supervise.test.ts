import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { type ProcessEvent, type ProcessSpec, type Supervised, supervise } from "#cli/up/supervise.ts";
import { processStart } from "#shared/process.ts";
import { type EventLog, eventLog } from "#test/support/up-events.ts";

let folder: string;
let events: EventLog<ProcessEvent>;

beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), "runmesh-up-"));
	events = eventLog();
	onTestFinished(() => rm(folder, { recursive: true }));
});

const READY = 'process.send({ ready: true, pid: process.pid }); process.on("disconnect", () => process.exit());';

type Ready = { ready: true; pid: number };

const start = async (program: string, more: Partial<ProcessSpec<Ready>> = {}): Promise<Supervised<Ready>> => {
	const path = join(folder, "program.mjs");
	await writeFile(path, program);
	const supervised = supervise({
		name: "node",
		command: process.execPath,
		args: [path],
		env: process.env,
		logPath: join(folder, "node.log"),
		ready: { message: z.object({ ready: z.literal(true), pid: z.number() }) },
		onEvent: events.onEvent,
		backoff: { firstMs: 1, maxMs: 4, healthyMs: 60_000 },
		...more,
	});
	onTestFinished(() => supervised.kill());
	return supervised;
};

const kill = (supervised: Supervised<unknown>): void => {
	const pid = supervised.pid();
	if (pid === null) throw new Error("it does not run");
	process.kill(pid, "SIGKILL");
};

test("a process that is killed is started again, as often as it takes", async () => {
	const supervised = await start(READY);
	const first = await supervised.ready;
	expect(supervised.pid()).toBe(first.pid);
	for (let deaths = 1; deaths <= 3; deaths++) {
		const back = events.next((event) => event.kind === "ready");
		kill(supervised);
		expect(await back).toMatchObject({ restarts: deaths, pid: supervised.pid() });
	}
	expect(events.seen.filter((event) => event.kind === "died")).toMatchObject([
		{ how: "SIGKILL", deaths: 1, restartInMs: 1 },
		{ how: "SIGKILL", deaths: 2, restartInMs: 2 },
		{ how: "SIGKILL", deaths: 3, restartInMs: 4 },
	]);
	const last = supervised.pid();
	await supervised.stop();
	expect(supervised.pid()).toBeNull();
	expect(processStart(last ?? 0)).toBeNull();
});

test("a process that says it has left for good is not started again", async () => {
	const left = events.next((event) => event.kind === "left");
	const supervised = await start(`${READY} setTimeout(() => process.send({ left: true }, () => process.exit(0)), 50);`);
	await supervised.ready;
	expect(await left).toEqual({ kind: "left", name: "node" });
	expect(supervised.pid()).toBeNull();
	await supervised.stop();
	expect(events.seen.map(({ kind }) => kind)).toEqual(["started", "ready", "left"]);
});

test("a first start that fails is told with the last words, and not repeated", async () => {
	const supervised = await start('console.error("no such disk"); process.exitCode = 7;');
	await expect(supervised.ready).rejects.toThrow(/node did not start \(exit code 7\).*no such disk/s);
	await supervised.stop();
	expect(events.seen.filter((event) => event.kind === "started")).toHaveLength(1);
	expect(events.seen.some((event) => event.kind === "died")).toBe(false);
});

test("a program that does not exist is told", async () => {
	const supervised = await start("", { command: join(folder, "nowhere") });
	await expect(supervised.ready).rejects.toThrow(/nowhere/);
	await supervised.stop();
});

test("the error that a process reports becomes the start's own", async () => {
	const error = { code: "RM_DISK_FULL", message: "no space on /data", hint: "free some" };
	const supervised = await start(`process.send(${JSON.stringify({ error })}); setInterval(() => {}, 1000);`);
	await expect(supervised.ready).rejects.toMatchObject(error);
	await supervised.stop();
});

test("later deaths before it is ready are no end either", async () => {
	const marker = join(folder, "marker");
	// The second start fails at once; the third, with the marker gone, works.
	const supervised = await start(
		`import { existsSync, rmSync } from "node:fs";
		if (existsSync(${JSON.stringify(marker)})) { rmSync(${JSON.stringify(marker)}); process.exit(9); }
		${READY}`,
	);
	await supervised.ready;
	await writeFile(marker, "");
	const back = events.next((event) => event.kind === "ready");
	kill(supervised);
	expect(await back).toMatchObject({ restarts: 2 });
	expect(events.seen.filter((event) => event.kind === "died")).toMatchObject([
		{ how: "SIGKILL" },
		{ how: "exit code 9" },
	]);
	await supervised.stop();
});

test("one that never gets ready is ended", async () => {
	const supervised = await start("setInterval(() => {}, 1000);", { readyWithinMs: 50 });
	await expect(supervised.ready).rejects.toThrow(/did not start \(not ready after 0\.05 s\)/);
	await supervised.stop();
});

test("one that will not stop is killed after the grace", async () => {
	const supervised = await start(`process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); ${READY}`, {
		graceMs: 50,
	});
	const { pid } = await supervised.ready;
	await supervised.stop();
	expect(processStart(pid)).toBeNull();
});

test("stopping during a start ends it", async () => {
	const supervised = await start("setInterval(() => {}, 1000);");
	await supervised.stop();
	await expect(supervised.ready).rejects.toThrow();
	expect(supervised.pid()).toBeNull();
});
