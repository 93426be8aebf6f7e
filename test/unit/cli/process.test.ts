/** The command line as a process: exit codes, what goes to which stream, Ctrl-C, a reader that goes away. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { runDetail, stepView } from "#test/support/run-detail.ts";
import { readBody, sendJson, startTinyHttp } from "#test/support/tiny-http.ts";

const main = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));

let home: string;

beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "runmesh-cli-"));
	writeFileSync(join(home, "p.yaml"), "name: digits\nsteps: {train: {run: echo hi}}\n");
});

afterEach(() => rmSync(home, { recursive: true }));

const start = (...words: string[]): ChildProcess => {
	const env = { PATH: process.env.PATH, HOME: home, RUNMESH_HOME: home, RUNMESH_CACHE: join(home, "cache") };
	const child = spawn(process.execPath, [main, ...words], { env, stdio: ["ignore", "pipe", "pipe"] });
	onTestFinished(() => void child.kill("SIGKILL"));
	return child;
};

const finish = async (child: ChildProcess) => {
	const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => (stream ? text(stream) : Promise.resolve("")));
	const [code] = await once(child, "exit");
	return { code, stdout: (await stdout) ?? "", stderr: (await stderr) ?? "" };
};

const startMesh = async () => {
	/** Tells those who follow events or logs that the run is over. */
	const live: (() => void)[] = [];
	let state: "running" | "cancelled" | "succeeded" = "running";
	const detail = () =>
		runDetail([stepView("train", { state: state === "running" ? "running" : state, startedAtMs: 1 })], {
			state,
			finishedAtMs: state === "running" ? null : 1_700_000_001_000,
		});
	const server = await startTinyHttp(async (request, response) => {
		const path = request.url ?? "";
		if (path.endsWith("/cancel")) {
			state = "cancelled";
			for (const tell of live) tell();
		}
		if (path.endsWith("/missing")) sendJson(response, 200, { missing: [] });
		else if (path.includes("/events")) {
			live.push(() => response.write('id: 1.0\ndata: {"id":"1.0"}\n\n'));
			response.write("\n");
		} else if (path.includes("follow=true")) {
			live.push(() => response.end());
			if (state === "running") response.write("\n");
			else response.end();
		} else if (path.includes("/logs")) {
			const line = { step: "train", attempt: 1, stream: "stdout", atMs: 0, offset: 0, text: `${"x".repeat(99)}\n` };
			// Far more than any pipe holds.
			const lines = Array.from(
				{ length: 20_000 },
				(_, index) => `${JSON.stringify({ ...line, offset: index * 100 })}\n`,
			);
			response.end(lines.join(""));
		} else {
			await readBody(request);
			sendJson(response, 200, detail());
		}
	});
	onTestFinished(() => server.stop());
	return {
		url: server.url,
		finish: () => {
			state = "succeeded";
		},
	};
};

test("without a mesh: one line, a hint, and the exit code that says so", async () => {
	expect(await finish(start("--url", "http://127.0.0.1:1", "runs", "ls"))).toEqual({
		code: 5,
		stdout: "",
		stderr:
			"error: no coordinator answers at http://127.0.0.1:1\n" +
			"hint: start a mesh with `runmesh up`, or name another with --url\n",
	});
	const { code, stdout, stderr } = await finish(start("runs", "ls", "-o", "json", "--url", "http://127.0.0.1:1"));
	expect({ code, stdout }).toEqual({ code: 5, stdout: "" });
	expect(JSON.parse(stderr).error.code).toBe("RM_UNAVAILABLE");
});

test("help is an answer, a mistake is an error", async () => {
	const help = await finish(start("runs", "--help"));
	expect(help).toMatchObject({ code: 0, stderr: "" });
	expect(help.stdout).toContain("Usage: runmesh runs");
	expect(await finish(start("rnus"))).toEqual({
		code: 2,
		stdout: "",
		stderr: "error: unknown command 'rnus'\nhint: did you mean runs?\n",
	});
});

test("run -o json prints the run as it ended, alone", async () => {
	const mesh = await startMesh();
	mesh.finish();
	const { code, stdout, stderr } = await finish(start("run", join(home, "p.yaml"), "--url", mesh.url, "-o", "json"));
	expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
	expect(JSON.parse(stdout)).toMatchObject({ id: "r0test", state: "succeeded" });
});

test("run --detach prints the id, alone", async () => {
	const mesh = await startMesh();
	const done = await finish(start("run", join(home, "p.yaml"), "--url", mesh.url, "--detach"));
	expect(done).toEqual({ code: 0, stdout: "r0test\n", stderr: "" });
});

test.each([
	{ flags: [], code: 130, said: "run goes on; cancel with: runmesh runs cancel r0test\n" },
	{ flags: ["--cancel-on-interrupt"], code: 9, said: "" },
])("Ctrl-C on run $flags", async ({ flags, code, said }) => {
	const mesh = await startMesh();
	const child = start("run", join(home, "p.yaml"), "--url", mesh.url, ...flags);
	child.stdout?.once("data", () => child.kill("SIGINT"));
	const done = await finish(child);
	expect({ code: done.code, said: done.stderr }).toEqual({ code, said });
});

test("a reader that goes away ends it in silence", async () => {
	const mesh = await startMesh();
	const child = start("logs", "latest", "--url", mesh.url);
	child.stdout?.once("data", () => child.stdout?.destroy());
	const stderr = child.stderr ? text(child.stderr) : "";
	const [code] = await once(child, "exit");
	expect({ code, stderr: await stderr }).toEqual({ code: 0, stderr: "" });
});
