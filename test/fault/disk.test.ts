/** The disk under the home gets full: the failure says so, nothing is lost, and with room again the mesh goes on. */

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { startMesh } from "#cli/up/up.ts";
import type { SubmitRequest } from "#shared/api.ts";
import { errorTable } from "#shared/errors.ts";
import { resolveHome } from "#shared/home.ts";
import type { Finished } from "#test/support/command-line.ts";
import { ended, newPlace, type RealMesh, startRealMesh } from "#test/support/real-mesh.ts";
import { smallDisk } from "#test/support/small-disk.ts";

const SIZE_MIB = 48;

/** A mesh whose home is a small disk of its own. */
const startOnSmallDisk = async (): Promise<RealMesh> => {
	const mesh = await startRealMesh({}, onTestFinished, (home) => {
		mkdirSync(home.root, { mode: 0o700 });
		execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MIB}m,mode=700`, "tmpfs", home.root]);
		return () => execFileSync("umount", ["--lazy", home.root]);
	});
	await expectGreen(mesh);
	return mesh;
};

/** A run that takes a task, an artifact and a log through everything, as soon as the mesh takes one. */
const expectGreen = async (mesh: RealMesh): Promise<void> => {
	const folder = mesh.write("green", {
		"pipeline.yaml": `name: green
steps:
  write: {run: 'echo hello | tee "$RUNMESH_OUTPUTS/word"', outputs: [word]}
  read: {inputs: {word: write.word}, run: 'cat "$RUNMESH_INPUTS/word"'}
`,
	});
	const refused = [errorTable.RM_UNAVAILABLE.exit, errorTable.RM_DISK_FULL.exit] as (number | null)[];
	let result: Finished;
	do result = await mesh.run("run", join(folder, "pipeline.yaml"));
	while (refused.includes(result.code));
	const { code, stdout, stderr } = result;
	expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
	expect(stdout.toString()).toMatch(/^read +│ hello$/m);
};

const submit = async (mesh: RealMesh, name: string, step: string): Promise<string> => {
	const folder = mesh.write(name, { "pipeline.yaml": `name: ${name}\nsteps:\n  step: ${step}\n` });
	const { code, stdout, stderr } = await mesh.run("run", join(folder, "pipeline.yaml"), "--detach");
	expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
	return stdout.toString().trim();
};

const freeBytes = (path: string): number => {
	const { bavail, bsize } = statfsSync(path);
	return bavail * bsize;
};

describe.skipIf(!smallDisk.canMount)("on a small disk", () => {
	test("a step that fills the disk fails for that reason, and the mesh goes on", async () => {
		const mesh = await startOnSmallDisk();
		const run = await submit(mesh, "filler", `{run: 'head -c 1G /dev/zero >"$RUNMESH_OUTPUTS/big"', outputs: [big]}`);
		const { state, stepList } = await ended(mesh.client, run);
		expect(state).toBe("failed");
		expect(stepList[0]?.failure).toMatchObject({ cause: "disk", exitCode: 1 });
		expect(stepList[0]?.failure?.message).toMatch(/no space is left on the disk that holds .*attempts/);
		await expectGreen(mesh);
		const told = (await mesh.client.runs()).items.map(({ pipeline, state }) => `${pipeline} ${state}`);
		expect(told.slice(-2), "what was there before").toEqual(["filler failed", "green succeeded"]);
	});

	test("outputs that fit once, and not a second time in the blob store, fail for that reason", async () => {
		const mesh = await startOnSmallDisk();
		const bytes = Math.round(SIZE_MIB * 1024 ** 2 * 0.7);
		const run = await submit(
			mesh,
			"doubler",
			`{run: 'head -c ${bytes} /dev/zero >"$RUNMESH_OUTPUTS/big"', outputs: [big]}`,
		);
		const { state, stepList } = await ended(mesh.client, run);
		expect(state).toBe("failed");
		expect(stepList[0]?.failure).toMatchObject({ cause: "disk" });
		expect(stepList[0]?.failure?.message).toMatch(
			/output "big" can't be taken: no space left on the disk that holds .*blobs/,
		);
		await expectGreen(mesh);
	});

	test("a flood of log that fills the disk loses no more than its own end, and the mesh goes on", async () => {
		const mesh = await startOnSmallDisk();
		const run = await submit(mesh, "flood", "{run: 'yes flood | head -c 1G; echo over >&2'}");
		const { state } = await ended(mesh.client, run);
		expect(["succeeded", "failed"]).toContain(state);
		await expectGreen(mesh);
	});

	test("with a disk that another program has filled, work waits, and goes on when there is room", async () => {
		const mesh = await startOnSmallDisk();
		const run = await submit(mesh, "waiter", `{run: 'echo begun; until [ -e ${mesh.folder}/go ]; do sleep 0.1; done'}`);
		const begun = mesh.start("logs", run, "-f");
		await begun.printed(/begun/);

		const ballast = join(mesh.home.root, "ballast");
		const greed = spawn("sh", ["-c", `while :; do head -c 1G /dev/zero >>${ballast}; sleep 0.05; done`], {
			stdio: "ignore",
		});
		onTestFinished(() => void greed.kill("SIGKILL"));
		while (freeBytes(mesh.home.root) > 0) await delay(10);
		writeFileSync(join(mesh.folder, "go"), "");
		const folder = mesh.write("refused", {
			"pipeline.yaml": "name: refused\nsteps: {step: {run: echo never}}\n",
			"data.bin": Buffer.alloc(1_000_000, "x"),
		});
		const refused = await mesh.run("run", join(folder, "pipeline.yaml"));
		expect(refused).toMatchObject({ code: 7, stderr: expect.stringMatching(/no space left on the disk that holds/) });
		const submission: SubmitRequest = {
			pipeline: `name: long\nsteps: {step: {run: 'true ${"x".repeat(50_000)}'}}\n`,
			file: "long.yaml",
			params: {},
			code: null,
			submissionId: "long",
			files: {},
			cache: "use",
			reuse: null,
		};
		await expect(mesh.client.submitRun(submission)).rejects.toMatchObject({ code: "RM_DISK_FULL" });

		greed.kill("SIGKILL");
		await once(greed, "exit");
		rmSync(ballast);
		expect((await ended(mesh.client, run)).state).toBe("succeeded");
		await expectGreen(mesh);
		await ended(mesh.client, (await mesh.client.submitRun(submission)).id);
		const told = (await mesh.client.runs()).items.map(({ pipeline, state }) => `${pipeline} ${state}`);
		expect(told.filter((line) => !line.startsWith("green")).sort()).toEqual(["long succeeded", "waiter succeeded"]);
	});
});

test("a port in use is named, and nothing is left of the start", async () => {
	const place = newPlace();
	const taken = createServer();
	await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
	onTestFinished(() => void taken.close());
	const address = taken.address();
	const port = address !== null && typeof address === "object" ? address.port : 0;
	const others = ["http", "nats", "agent-grpc", "serving"].flatMap((name) => [`--${name}-port`, "0"]);
	const { code, stderr } = await place.run("up", "--grpc-port", String(port), ...others);
	expect(code).toBe(7);
	expect(stderr).toContain(`port ${port} (--grpc-port) is in use`);
	await expect(startMesh({ home: resolveHome(place.home.root), grpcPort: port })).rejects.toThrow(`port ${port}`);
});
