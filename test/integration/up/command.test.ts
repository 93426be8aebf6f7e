/** The command line as a person starts it: the real entry, the real coordinator. */

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { stopMesh } from "#cli/up/down.ts";
import type { MeshSummary } from "#cli/up/summary.ts";
import { resolveHome } from "#shared/home.ts";
import { processStart } from "#shared/process.ts";

const bin = fileURLToPath(new URL("../../../bin/runmesh.mjs", import.meta.url));
const ports = ["http", "grpc", "nats", "agent-grpc", "serving"].flatMap((port) => [`--${port}-port`, "0"]);

let root: string;

beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), "runmesh-up-"));
	onTestFinished(() => rmSync(root, { recursive: true }));
});

const runmesh = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
	promisify(execFile)(process.execPath, [bin, "--home", root, ...args]);

const exitCode = (...args: string[]): Promise<number> =>
	runmesh(...args).then(
		() => 0,
		(error) => error.code,
	);

test("up --detach returns with the mesh ready, doctor finds it well, down stops it", async () => {
	onTestFinished(() => void stopMesh(resolveHome(root)));
	const { stdout } = await runmesh("up", "--detach", "--agents", "0", "-o", "json", ...ports);
	const summary: MeshSummary = JSON.parse(stdout);
	expect(summary).toMatchObject({ home: root, url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) });
	expect((await fetch(`${summary.url}/healthz`)).ok).toBe(true);

	const diagnosis = JSON.parse((await runmesh("doctor", "-o", "json")).stdout);
	const verdicts = Object.fromEntries(
		diagnosis.checks.map(({ name, verdict }: { name: string; verdict: string }) => [name, verdict]),
	);
	expect(verdicts).toMatchObject({ node: "ok", credentials: "ok", mesh: "ok", ports: "ok", coordinator: "ok" });

	expect(await exitCode("up", ...ports)).toBe(4);
	expect((await runmesh("down")).stdout).toBe(`stopped mesh (process ${summary.pid})\n`);
	for (const pid of [summary.pid, ...Object.values(summary.processes)]) expect(processStart(pid)).toBeNull();
	expect((await runmesh("down")).stdout).toBe(`no mesh runs on ${root}\n`);
});

test("doctor fails with an address where nobody answers, and says what to do", async () => {
	await expect(runmesh("doctor", "--url", "http://127.0.0.1:9")).rejects.toMatchObject({
		code: 1,
		stdout: expect.stringMatching(/^fail {2}coordinator .*\n.*→ /m),
	});
});

test.each([
	["--http-port", "70000"],
	["--agents", "many"],
	["--name", "a.b"],
	["--nats", "nowhere"],
])("up %s %s is refused", async (flag, value) => {
	expect(await exitCode("up", flag, value)).toBe(2);
});
