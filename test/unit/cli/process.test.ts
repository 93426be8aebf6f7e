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
	const posted: { path: string; body: Record<string, unknown> }[] = [];
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
			const body = (await readBody(request)).toString();
			if (request.method === "POST") posted.push({ path, body: JSON.parse(body) });
			sendJson(response, 200, detail());
		}
	});
	onTestFinished(() => server.stop());
	return {
		url: server.url,
		posted,
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

test("run takes results and the cache as it is told", async () => {
	const mesh = await startMesh();
	const submitted = async (...flags: string[]) => {
		const done = await finish(start("run", join(home, "p.yaml"), "--url", mesh.url, "--detach", ...flags));
		expect(done.stderr).toBe("");
		const { cache, reuse } = mesh.posted.at(-1)?.body ?? {};
		return { cache, reuse };
	};
	const failed = { run: "latest", mode: "failed", steps: [] };
	expect(await submitted()).toEqual({ cache: "use", reuse: null });
	expect(await submitted("--from-failed", "--no-cache")).toEqual({ cache: "off", reuse: failed });
	const from = { run: "r0base", mode: "from", steps: ["a", "b"] };
	expect(await submitted("--from", "a", "--from", "b", "--of", "r0base", "--refresh")).toEqual({
		cache: "refresh",
		reuse: from,
	});
	expect((await submitted("--only", "a")).reuse).toEqual({ run: "latest", mode: "only", steps: ["a"] });
	for (const flags of [
		["--of", "r0"],
		["--from-failed", "--only", "a"],
		["--refresh", "--no-cache"],
	]) {
		const refused = await finish(start("run", join(home, "p.yaml"), "--url", mesh.url, ...flags));
		expect(refused.code, flags.join(" ")).toBe(2);
	}
});

test("a retry is followed to its end as a run is", async () => {
	const mesh = await startMesh();
	mesh.finish();
	const done = await finish(start("runs", "retry", "latest", "--all", "--url", mesh.url));
	expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: "" });
	expect(done.stdout).toMatch(/^run r0test succeeded in /m);
	expect(mesh.posted).toEqual([
		{ path: "/api/v1/runs/latest/retry", body: { failedOnly: false, submissionId: expect.any(String) } },
	]);
	const detached = await finish(start("runs", "retry", "latest", "--detach", "--url", mesh.url));
	expect(detached).toEqual({ code: 0, stdout: "r0test\n", stderr: "" });
	expect(mesh.posted.at(-1)?.body.failedOnly).toBe(true);
});

test("both flags print the version", async () => {
	for (const flag of ["-V", "--version"]) {
		expect(await finish(start(flag))).toEqual({
			code: 0,
			stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
			stderr: "",
		});
	}
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
