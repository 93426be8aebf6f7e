/** Explain, retry, reuse, approval and cancel of a step, as a person asks for them, on a real mesh. */

import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { ExplainView, Page, RunDetail, RunSummary } from "#shared/api.ts";
import { explainShape } from "#test/support/api-shapes.ts";
import { commandMesh } from "#test/support/command-mesh.ts";

const mesh = commandMesh();

const submit = async (file: string, ...args: string[]): Promise<string> => {
	const { code, stdout, stderr } = await mesh.run("run", file, "--detach", ...args);
	expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
	return stdout.toString().trim();
};

const end = async (file: string, ...args: string[]): Promise<RunDetail> => {
	const { stdout } = await mesh.run("run", file, "-o", "json", ...args);
	return JSON.parse(stdout.toString());
};

const explain = (...args: string[]): Promise<ExplainView> => mesh.json("explain", ...args);

/** Asks again until it is so. */
const eventually = async <T>(ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> => {
	for (;;) {
		const answer = await ask();
		if (isSo(answer)) return answer;
	}
};

const statesOf = ({ stepList }: RunDetail): Record<string, string> =>
	Object.fromEntries(stepList.map(({ key, state, takenFrom }) => [key, takenFrom ? `${state} ≡` : state]));

const until = (file: string): string => `until [ -e "${file}" ]; do sleep 0.02; done`;

test("a failed run is explained, and tried again without its file, taking what succeeded", async () => {
	const gate = join(mesh.folder, "fixed");
	const file = mesh.pipeline(
		"flaky",
		`name: flaky
steps:
  prepare:
    run: echo '["a","b","c"]' > $RUNMESH_OUTPUTS/shards
    outputs: {shards: shards}
  train:
    matrix: {shard: prepare.shards}
    run: 'test \${{ matrix.shard }} != b || test -e "${gate}"'
    retries: {max: 1, delay: 0s}
  report: {needs: [train], run: echo fine}
`,
	);
	const failed = await end(file);
	expect(statesOf(failed)).toEqual({
		...{ prepare: "succeeded", "train.0": "succeeded", "train.1": "failed" },
		...{ "train.2": "succeeded", report: "skipped" },
	});
	const run = await explain();
	expect(run).toStrictEqual(explainShape);
	expect(run.summary).toMatch(
		/failed after .*, since train\.1 failed on lab after .*: exit code 1.*; 1 step was skipped$/,
	);
	expect((await explain(failed.id, "train.1")).summary).toMatch(/exit code 1.*; its one retry is used up$/);
	expect((await explain(failed.id, "report")).summary).toMatch(
		/^report was skipped, since train\.1 failed: exit code 1/,
	);
	expect((await explain(failed.id, "train.1", "--attempt", "1")).summary).toMatch(
		/^attempt 1 of train\.1 failed on lab .*; attempt 2 followed on lab, which failed/,
	);

	rmSync(dirname(file), { recursive: true });
	writeFileSync(gate, "");
	const { code, stdout } = await mesh.run("runs", "retry", "latest");
	expect(code, stdout.toString()).toBe(0);
	const retried = await mesh.json<RunDetail>("runs", "show", "latest");
	expect(retried.basedOn).toBe(failed.id);
	expect(statesOf(retried)).toEqual({
		...{ prepare: "succeeded ≡", "train.0": "succeeded ≡", "train.1": "succeeded" },
		...{ "train.2": "succeeded ≡", report: "succeeded" },
	});
	expect((await explain("latest", "train.0")).summary).toBe(
		`train.0 did not run: its result was taken from run ${failed.id}, as this run was asked to`,
	);
	const nothing = await mesh.run("runs", "retry", "latest");
	expect({ code: nothing.code, stderr: nothing.stderr }).toMatchObject({
		code: 4,
		stderr: expect.stringMatching(/nothing of run \w+ failed.*\n.*--all/),
	});
	expect((await mesh.run("runs", "retry", "latest", "--all")).code).toBe(0);
	expect(Object.values(statesOf(await mesh.json<RunDetail>("runs", "show", "latest")))).toEqual(
		Array(5).fill("succeeded"),
	);
});

test("a step waits for a person, who is told how, and only once", async () => {
	const file = mesh.pipeline(
		"release",
		`name: release
steps:
  check: {run: echo ok}
  ship: {uses: approve, needs: [check], with: {message: ship it?}}
  after: {needs: [ship], run: echo shipped}
`,
	);
	const id = await submit(file);
	const held = await eventually(
		() => explain(id, "ship"),
		({ state }) => state === "held",
	);
	expect(held.summary).toMatch(/^ship has waited for a person's approval for .*: ship it\?$/);
	expect(held.hints).toEqual([`\`runmesh approve ${id} ship\`, or with --reject`]);
	expect((await explain(id, "after")).summary).toBe("after waits for ship, which waits for a person's approval");
	expect((await mesh.run("approve", id, "check")).stderr).toMatch(/check does not wait for approval.*succeeded/);
	expect((await mesh.run("approve", id, "shipp")).stderr).toMatch(/did you mean `ship`/);

	const { stdout } = await mesh.run("approve", id, "ship", "--comment", "looks good");
	expect(stdout.toString()).toBe(`approved ship of run ${id}\n`);
	await eventually(
		() => mesh.json<RunDetail>("runs", "show", id),
		({ state }) => state === "succeeded",
	);
	expect((await explain(id, "ship")).summary).toBe("ship was approved by admin: looks good");
	expect(await mesh.run("approve", id, "ship")).toMatchObject({
		code: 4,
		stderr: expect.stringMatching(/has ended: succeeded/),
	});

	const other = await submit(file);
	await eventually(
		() => explain(other, "ship"),
		({ state }) => state === "held",
	);
	await mesh.run("approve", other, "ship", "--reject", "--comment", "too slow");
	const rejected = await eventually(
		() => explain(other),
		({ state }) => state === "failed",
	);
	expect(rejected.summary).toMatch(/since ship failed: rejected by admin: too slow; 1 step was skipped$/);
});

test("one step is cancelled, and the others go on", async () => {
	const gate = join(mesh.folder, "go-on");
	const file = mesh.pipeline(
		"parted",
		`name: parted
steps:
  endless: {run: sleep 600, grace: 0s}
  behind: {needs: [endless], run: echo never}
  other: {run: '${until(gate)}'}
`,
	);
	const id = await submit(file);
	await eventually(
		() => explain(id, "endless"),
		({ state }) => state === "running",
	);
	const { stdout } = await mesh.run("runs", "cancel", id, "endless", "--reason", "it diverged");
	expect(stdout.toString()).toMatch(/^step endless of run \w+ is (told to stop|cancelled)\n$/);
	const stopped = await eventually(
		() => explain(id, "endless"),
		({ state }) => state === "cancelled",
	);
	expect(stopped.summary).toMatch(/^endless was cancelled on lab after .*: it diverged$/);
	expect((await explain(id, "behind")).summary).toBe("behind was skipped, since endless was cancelled: it diverged");
	expect((await explain(id)).summary).toMatch(/goes on: 2 of 3 steps are done; other has been running on lab for/);
	expect(await mesh.run("runs", "cancel", id, "endless")).toMatchObject({
		code: 4,
		stderr: expect.stringMatching(/ended: cancelled/),
	});
	writeFileSync(gate, "");
	const run = await eventually(
		() => explain(id),
		({ state }) => state === "cancelled",
	);
	expect(run.summary).toMatch(/ended as cancelled after .*, since endless was cancelled: it diverged$/);
});

test("what is asked for alone runs alone, and the cache says what differs", async () => {
	const text = (word: string): string => `name: parts
params: {n: 1}
steps:
  make: {run: "echo made \${{ params.n }} > $RUNMESH_OUTPUTS/data", outputs: {data: data}, cache: true}
  use: {inputs: {data: make.data}, run: 'echo ${word} && cat $RUNMESH_INPUTS/data'}
  last: {needs: [use], run: echo last}
`;
	const file = mesh.pipeline("parts", text("one"));
	const first = await end(file);
	const second = await end(file);
	expect(statesOf(second)).toEqual({ make: "succeeded ≡", use: "succeeded", last: "succeeded" });
	const hit = await explain("latest", "make");
	expect(hit.cache).toEqual({ hit: true, source: { run: first.id, step: "make" }, reason: "" });
	expect(hit.summary).toBe(
		`make did not run: nothing that it depends on differs from make of run ${first.id}, so its result was taken`,
	);
	const third = await end(file, "-p", "n=2");
	expect(statesOf(third).make).toBe("succeeded");
	const miss = await explain("latest", "make");
	expect(miss.cache).toMatchObject({ hit: false, reason: expect.stringContaining('command was "echo made 1') });
	expect(miss.summary).toContain("; not from the cache (nearest: make of run");

	const only = await end(file, "--only", "use", "--of", first.id);
	expect(statesOf(only)).toEqual({ make: "succeeded ≡", use: "succeeded", last: "skipped" });
	expect((await explain("latest", "last")).summary).toBe("last was left out: this run was asked for other steps");
	const from = await end(file, "--from", "use", "--of", first.id);
	expect(statesOf(from)).toEqual({ make: "succeeded ≡", use: "succeeded", last: "succeeded" });
	const off = await end(file, "--no-cache");
	expect(statesOf(off)).toEqual({ make: "succeeded", use: "succeeded", last: "succeeded" });
	expect((await explain("latest", "make")).cache).toBeNull();
	expect((await mesh.run("run", file, "--only", "uze")).stderr).toMatch(/no step "uze"\n.*did you mean `use`/);

	const { items } = await mesh.json<Page<RunSummary>>("runs", "ls", "--search", "parts n=2", "--since", "1h");
	expect(items.map(({ id }) => id)).toEqual([third.id]);
	const none = await mesh.run("runs", "ls", "--state", "queued", "--pipeline", "parts");
	expect(none.stdout.toString()).toBe("no run fits --state queued --pipeline parts\n");
});

test("waits that nothing but the mesh can end are explained", async () => {
	const file = mesh.pipeline("greedy", "name: greedy\nsteps:\n  huge: {run: 'true', resources: {cpu: 4000}}\n");
	const id = await submit(file);
	const { summary, hints, waits } = await eventually(
		() => explain(id, "huge"),
		({ state }) => state === "ready",
	);
	expect(summary).toMatch(/^huge has been ready for .*: no agent can run it: lab: /);
	expect(waits).toMatchObject([{ for: "capacity", blockers: [{ kind: "agent", id: "lab" }] }]);
	expect(hints).toEqual([expect.stringMatching(/^ask for less/)]);
	expect((await explain(id)).summary).toMatch(
		/^nothing of run \w+ runs: huge has been ready for .*no agent can run it/,
	);
	await mesh.run("runs", "cancel", id, "--reason", "too much");
	expect((await explain(id)).summary).toMatch(/ was cancelled after .*: too much$/);

	const gate = join(mesh.folder, "turn");
	const single = mesh.pipeline("single", `name: single\nconcurrency: lane\nsteps:\n  work: {run: '${until(gate)}'}\n`);
	const [first, second] = [await submit(single), await submit(single)];
	const queued = await explain(second);
	expect(queued).toMatchObject({
		state: "queued",
		waits: [{ for: "admission", blockers: [{ kind: "run", id: first }] }],
	});
	expect(queued.summary).toMatch(/waits for its turn: its concurrency group lane lets one run go ahead at a time/);
	writeFileSync(gate, "");
	await eventually(
		() => explain(second),
		({ state }) => state === "succeeded",
	);
});
