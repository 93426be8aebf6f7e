/** Steps that misbehave in every way a program can: each comes to a clear end, and none touches another. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunDetail, StepView } from "#shared/api.ts";
import { processStart } from "#shared/process.ts";
import { ended, type RealMesh, startRealMesh } from "#test/support/real-mesh.ts";

const ends: (() => void | Promise<void>)[] = [];
let mesh: RealMesh;

beforeAll(async () => {
	mesh = await startRealMesh({}, (end) => void ends.push(end));
});

afterAll(async () => {
	for (const end of ends.reverse()) await end();
});

interface Ended {
	code: number | null;
	run: RunDetail;
	step(key: string): StepView;
}

/** Runs the steps, small ones unless they say otherwise, to the end of the run. */
const runSteps = async (name: string, steps: string): Promise<Ended> => {
	const defaults = "defaults: {resources: {cpu: 0.25, memory: 128Mi}}";
	const indented = steps.trimEnd().replace(/^(?=.)/gm, "  ");
	const folder = mesh.write(name, { "pipeline.yaml": `name: ${name}\n${defaults}\nsteps:\n${indented}\n` });
	const { code, stdout, stderr } = await mesh.run("run", join(folder, "pipeline.yaml"), "--no-logs", "-o", "json");
	expect(stderr).toBe("");
	const run: RunDetail = JSON.parse(stdout.toString());
	const step = (key: string): StepView => {
		const found = run.stepList.find((one) => one.key === key);
		if (!found) throw new Error(`no step ${key}`);
		return found;
	};
	return { code, run, step };
};

describe("a run of steps that fail", () => {
	let failed: Ended;
	let shown: string;

	beforeAll(async () => {
		failed = await runSteps(
			"failing",
			`
exits: {run: "echo started; echo one >&2; echo the reason >&2; exit 7"}
signalled: {run: kill -SEGV $$}
killed: {run: kill -KILL $$}
missing: {run: no-such-program}
forgets: {run: 'touch "$RUNMESH_OUTPUTS/modle"', outputs: [model]}
links: {run: 'ln -s /etc/hostname "$RUNMESH_OUTPUTS/model"', outputs: [model]}
linksInside: {run: 'mkdir "$RUNMESH_OUTPUTS/model" && ln -s ../../../../.. "$RUNMESH_OUTPUTS/model/up"', outputs: [model]}
linksAbove: {run: 'ln -s /etc "$RUNMESH_OUTPUTS/folder"', outputs: {model: folder/hostname}}
movesAway: {run: 'rmdir "$RUNMESH_OUTPUTS" && ln -s /etc "$RUNMESH_OUTPUTS"', outputs: {model: hostname}}
pipes: {run: 'mkfifo "$RUNMESH_OUTPUTS/model"', outputs: [model]}
interpreter: {run: echo never, shell: [no-such-interpreter, -c]}
slow: {run: echo working >&2; sleep 1000, timeout: 500ms}
behind: {run: echo never, needs: [exits]}`,
		);
		shown = (await mesh.run("runs", "show", failed.run.id)).stdout.toString();
	});

	test("fails as a whole, and nothing is started behind a failed step", () => {
		expect({ code: failed.code, state: failed.run.state }).toEqual({ code: 1, state: "failed" });
		expect(failed.step("behind")).toMatchObject({ state: "skipped", reason: "exits failed", attempts: [] });
		expect(failed.run.stepList.filter(({ state }) => state !== "failed").map(({ key }) => key)).toEqual(["behind"]);
	});

	test.each([
		["exits", { cause: "error", exitCode: 7 }, /exit code 7.*the reason/s],
		["signalled", { cause: "error", signal: "SIGSEGV" }, /SIGSEGV/],
		["killed", { cause: "error", signal: "SIGKILL" }, /SIGKILL/],
		["missing", { cause: "error", exitCode: 127 }, /exit code 127: a command was not found.*no-such-program/s],
		["forgets", { cause: "output" }, /output "model" is missing.*holds modle/s],
		["links", { cause: "output" }, /output "model" can't be taken.*symbolic link/s],
		["linksInside", { cause: "output" }, /output "model" can't be taken.*leads outside/s],
		["linksAbove", { cause: "output" }, /output "model" can't be taken.*leads outside/s],
		["movesAway", { cause: "output" }, /output "model" can't be taken.*leads outside/s],
		["pipes", { cause: "output" }, /output "model" can't be taken.*neither a file nor a folder/s],
		["interpreter", { cause: "launch" }, /"no-such-interpreter" was not found/],
		["slow", { cause: "timeout" }, /timeout of 500ms.*working/s],
	])("%s says why", (key, failure, message) => {
		const step = failed.step(key);
		expect(step.failure).toMatchObject(failure);
		expect(step.failure?.message).toMatch(message);
		expect(step.outputs).toEqual([]);
		expect(step.attempts).toHaveLength(1);
		expect(shown).toMatch(new RegExp(`✗ +${key} .*${failure.cause}`));
	});
});

describe("a run of steps that are odd", () => {
	let odd: Ended;

	beforeAll(async () => {
		odd = await runSteps(
			"odd",
			String.raw`
binary: {run: 'node -e "process.stdout.write(Buffer.from(Array.from({length: 65536}, (_, at) => (at * 7 + (at >> 8)) % 256)))"'}
longLine: {run: "head -c 10000000 /dev/zero | tr '\\0' x; echo; echo after"}
children:
  run: |
    mark() { echo $1 >>"$RUNMESH_OUTPUTS/pids"; }
    sleep 1000 & mark $!
    setsid sleep 1000 & mark $!
    (setsid sh -c 'trap "" TERM; echo $$ >>"$RUNMESH_OUTPUTS/pids"; while :; do sleep 1; done' &)
    until [ "$(wc -l <"$RUNMESH_OUTPUTS/pids")" = 3 ]; do sleep 0.05; done
  outputs: [pids]
source: {run: 'mkdir "$RUNMESH_OUTPUTS/data" && echo first >"$RUNMESH_OUTPUTS/data/file"', outputs: [data]}
rewriter:
  inputs: {data: source.data}
  run: 'echo changed >"$RUNMESH_INPUTS/data/file"; echo new >"$RUNMESH_INPUTS/data/more"'
reader:
  needs: [rewriter]
  inputs: {data: source.data}
  run: 'ls "$RUNMESH_INPUTS/data"; cat "$RUNMESH_INPUTS/data/file"'
metrics:
  run: |
    node -e 'for (let at = 0; at < 100000; at++) console.log(JSON.stringify({name: "metric" + at % 5000, value: at, step: at}))' >>"$RUNMESH_METRICS"
    echo '{"name": "infinite", "value": 1e999}' >>"$RUNMESH_METRICS"
    printf '{"name": "torn", "val' >>"$RUNMESH_METRICS"
`,
		);
	});

	test("succeeds as a whole", () => {
		expect(odd.run.stepList.filter(({ state }) => state !== "succeeded")).toEqual([]);
		expect(odd.code).toBe(0);
	});

	const logOf = async (key: string): Promise<Buffer> => (await mesh.run("logs", odd.run.id, key)).stdout;

	test("binary output comes out of `logs` byte by byte", async () => {
		const expected = Buffer.from(Array.from({ length: 65536 }, (_, at) => (at * 7 + (at >> 8)) % 256));
		expect((await logOf("binary")).equals(expected)).toBe(true);
	});

	test("a line of ten megabytes comes out whole", async () => {
		const expected = Buffer.concat([Buffer.alloc(10_000_000, "x"), Buffer.from("\nafter\n")]);
		const log = await logOf("longLine");
		expect({ length: log.length, hash: sha256(log) }).toEqual({ length: expected.length, hash: sha256(expected) });
	});

	test("no child outlives its step", async () => {
		const { code } = await mesh.run("artifacts", "get", odd.run.id, "children.pids", "-d", mesh.folder);
		expect(code).toBe(0);
		const pids = readFileSync(join(mesh.folder, "pids"), "utf8").trim().split("\n").map(Number);
		expect(pids).toHaveLength(3);
		expect(pids.map(processStart)).toEqual([null, null, null]);
	});

	test("a step that rewrites its inputs changes them for nobody else", async () => {
		expect((await logOf("reader")).toString()).toBe("file\nfirst\n");
	});

	test("metrics without end are bounded, and what is no metric is passed over", async () => {
		const { metrics } = odd.step("metrics");
		expect(metrics).toHaveLength(200);
		expect(metrics.find(({ name }) => name === "metric7")).toEqual({ name: "metric7", value: 95_007, step: 95_007 });
		const [series] = await mesh.client.metrics(odd.run.id, "metric7");
		expect(series?.points.at(-1)).toMatchObject({ step: 95_007, value: 95_007 });
	});
});

test("a cancelled step that ignores SIGTERM is ended, and the run says it was cancelled", async () => {
	const folder = mesh.write("deaf", {
		"pipeline.yaml": `name: deaf
steps:
  deaf: {run: "trap '' TERM; echo deaf; while :; do sleep 0.1; done"}
  behind: {needs: [deaf], run: echo never}
`,
	});
	const run = mesh.start("run", join(folder, "pipeline.yaml"));
	await run.printed(/│ deaf$/m);
	expect((await mesh.run("runs", "cancel", "latest")).code).toBe(0);
	expect((await run.finished).code).toBe(9);
	const { stepList, state } = await mesh.client.run("latest");
	expect(state).toBe("cancelled");
	expect(stepList.map(({ key, state }) => `${key} ${state}`)).toEqual(["deaf cancelled", "behind cancelled"]);
});

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const FLOOD_BYTES = 1_500_000_000;
/** Of one attempt's log. */
const LIMIT_BYTES = 256 * 1024 ** 2;

test("a flood of log is cut at the limit while it comes, and `logs` tells how much is missing", async () => {
	const before = await diskUse(mesh.home.root);
	const folder = mesh.write("flood", {
		"pipeline.yaml": `name: flood
steps:
  flood: {run: 'echo begin >&2; yes "a line of a step that can not stop" | head -c ${FLOOD_BYTES}; echo end >&2'}
`,
	});
	const { code, stdout } = await mesh.run("run", join(folder, "pipeline.yaml"), "--detach");
	expect(code).toBe(0);
	const over = ended(mesh.client, stdout.toString().trim());
	let most = 0;
	for (let flooding = true; flooding; ) {
		const used = diskUse(mesh.home.root);
		flooding = await Promise.race([over.then(() => false), delay(50, true)]);
		most = Math.max(most, (await used) - before);
	}
	const run = await over;
	expect(run.state).toBe("succeeded");
	// Spooled at the agent, stored at the coordinator, and what comes in between two looks.
	expect(most).toBeLessThan(2 * LIMIT_BYTES + 400_000_000);

	const lengths = { stdout: 0, stderr: 0 };
	const dropped = { stdout: 0, stderr: 0 };
	for await (const record of mesh.client.followLogs(run.id, "flood")) {
		lengths[record.stream] += record.base64
			? Buffer.from(record.base64, "base64").length
			: Buffer.byteLength(record.text);
		dropped[record.stream] += record.droppedBytes ?? 0;
	}
	expect(lengths.stderr).toBe("begin\nend\n".length);
	expect(dropped.stderr).toBe(0);
	expect(lengths.stdout).toBeLessThanOrEqual(LIMIT_BYTES);
	expect(lengths.stdout).toBeGreaterThan(LIMIT_BYTES / 2);
	// Bytes written in the very moment of a cut are not seen.
	expect(dropped.stdout).toBeGreaterThan(FLOOD_BYTES / 2);
	expect(lengths.stdout + dropped.stdout).toBeLessThanOrEqual(FLOOD_BYTES);
});

/** Bytes that the disk holds below a folder. */
const diskUse = async (folder: string): Promise<number> => {
	const items = await readdir(folder, { withFileTypes: true }).catch(() => []);
	const sizes = items.map(async (item) => {
		const path = join(folder, item.name);
		if (item.isDirectory()) return diskUse(path);
		return ((await stat(path).catch(() => null))?.blocks ?? 0) * 512;
	});
	const used = await Promise.all(sizes);
	return used.reduce((sum, size) => sum + size, 0);
};
