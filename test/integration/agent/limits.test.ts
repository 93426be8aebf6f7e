/** Attempts are kept to what they declare, tell what they took, and leave nothing behind: in cells, and watched. */

import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Limits, Task } from "#shared/domain.ts";
import { isAlive, type ProcessIdentity, processStart } from "#shared/process.ts";
import { type AgentRig, agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";
import { withoutCells } from "#test/support/cells.ts";

const MiB = 1024 ** 2;
const none = withoutCells(tmpdir());
const cellsOr = none === "" ? "in cells" : `in cells (skipped: ${none})`;

const limited = (step: string, command: string, limits: Partial<Limits>, more: Partial<Task> = {}): Task =>
	commandTask(step, command, { limits: { cpuMillis: 0, memoryBytes: 0, diskBytes: 0, ...limits }, ...more });

/** Takes so much memory, and says when it has. */
const taking = (mebibytes: number, then: string): string =>
	`node -e 'const all = []; for (let taken = 0; taken < ${mebibytes}; taken += 8) all.push(Buffer.alloc(8 * 1024 ** 2, 1)); ${then}'`;
const forever = "setInterval(() => all.length, 1000)";

const identified = (pids: string): ProcessIdentity[] =>
	pids
		.trim()
		.split("\n")
		.flatMap((text) => {
			const pid = Number(text);
			const start = processStart(pid);
			return start === null ? [] : [{ pid, start }];
		});

const ways = [
	{ way: "watched", mode: "watch", skip: process.platform !== "linux" },
	{ way: cellsOr, mode: "auto", skip: none !== "" },
];

for (const { way, mode, skip } of ways) {
	describe.skipIf(skip)(way, () => {
		const start = (rig: AgentRig, ...flags: string[]) => rig.startAgent("--limits", mode, ...flags);

		test("a step that takes more memory than it declares is ended as out of memory", async () => {
			const rig = await agentRig();
			await start(rig);
			const task = limited("greedy", taking(400, forever), { memoryBytes: 128 * MiB });
			await rig.send(task);
			const { outcome, failure, usage } = await rig.finished(task);
			expect({ outcome, cause: failure?.cause }).toEqual({ outcome: "failed", cause: "oom" });
			expect(failure?.message).toMatch(/^used \d+(\.\d+)?Mi of 128Mi; raise resources.memory/);
			expect(usage?.limits.memory).toMatch(mode === "watch" ? /^watched$/ : /^cgroup v[12]$/);
			expect(usage?.peakMemoryBytes).toBeGreaterThan(100 * MiB);
		});

		test("a step within its limits tells what it took", async () => {
			const rig = await agentRig();
			await start(rig);
			const busy = "const until = Date.now() + 1500; while (Date.now() < until) all[0][7] += 1;";
			const task = limited("modest", taking(64, busy), { memoryBytes: 512 * MiB });
			await rig.send(task);
			const { outcome, usage } = await rig.finished(task);
			expect(outcome).toBe("succeeded");
			expect(usage?.peakMemoryBytes).toBeGreaterThan(64 * MiB);
			expect(usage?.peakMemoryBytes).toBeLessThan(512 * MiB);
			expect(usage?.cpuSeconds).toBeGreaterThan(0.2);
		});

		test("a step that starts ever more processes is ended, and the agent goes on", async () => {
			const rig = await agentRig();
			await start(rig, "--max-processes", "100");
			const pids = join(rig.home.root, "pids");
			// Ends by itself after 300.
			const bomb = limited(
				"bomb",
				`i=0; while [ $i -lt 300 ]; do setsid sleep 60 & echo $! >> ${pids}; i=$((i + 1)); done; wait`,
				{},
			);
			await rig.send(bomb);
			const { outcome, failure } = await rig.finished(bomb);
			expect({ outcome, cause: failure?.cause }).toEqual({ outcome: "failed", cause: "error" });
			expect(failure?.message).toMatch(/^ran \d+ processes at once, of at most 100/);
			expect(identified(await readFile(pids, "utf8"))).toEqual([]);
			const next = commandTask("next", "true");
			await rig.send(next);
			expect((await rig.finished(next)).outcome).toBe("succeeded");
		});

		test("limits hold and usage counts over a restart of the agent", async () => {
			const rig = await agentRig();
			await start(rig);
			const go = join(rig.home.root, "go");
			const waits = `until [ -e ${go} ]; do sleep 0.05; done`;
			const modest = limited("modest", `${waits}; ${taking(64, "for (let i = 0; i < 1e8; i++) all[0][7] += i;")}`, {
				memoryBytes: 512 * MiB,
			});
			const greedy = limited("greedy", `${waits}; ${taking(400, forever)}`, { memoryBytes: 128 * MiB });
			await rig.send(modest);
			await rig.send(greedy);
			await Promise.all([rig.started(modest), rig.started(greedy)]);
			await rig.endAgent();
			await start(rig);
			await rig.until(() => rig.heartbeats.at(-1)?.attempts.length === 2);
			writeFileSync(go, "");
			expect((await rig.finished(greedy)).failure?.cause).toBe("oom");
			const { outcome, usage } = await rig.finished(modest);
			expect(outcome).toBe("succeeded");
			expect(usage?.cpuSeconds).toBeGreaterThan(0);
			expect(usage?.limits.memory).toBeDefined();
		});
	});
}

describe.skipIf(none !== "")(cellsOr, () => {
	test.for([
		["by nohup", "nohup sleep 600 >/dev/null 2>&1 & echo $! >> PIDS"],
		["in a session of its own", "setsid sh -c 'echo $$ >> PIDS; cd /; exec sleep 600 >/dev/null 2>&1' &"],
		[
			"as a daemon without its environment",
			"(cd / && env -i setsid sh -c '(echo started; exec sh -c \"echo \\$\\$ >> PIDS; exec sleep 600\") >/dev/null 2>&1 &' &)",
		],
	] as const)("what a step leaves %s ends with it", async ([, leave]) => {
		const rig = await agentRig();
		await rig.startAgent();
		const pids = join(rig.home.root, "pids");
		const task = commandTask("parent", `${leave.replaceAll("PIDS", pids)}\nuntil [ -s ${pids} ]; do sleep 0.05; done`);
		await rig.send(task);
		expect((await rig.finished(task)).outcome).toBe("succeeded");
		expect(await readFile(pids, "utf8")).toMatch(/^\d+\n$/);
		expect(identified(await readFile(pids, "utf8")).filter(isAlive)).toEqual([]);
	});

	test("what a step leaves ends with it, though it ended while no agent ran", async () => {
		const rig = await agentRig();
		await rig.startAgent();
		const pids = join(rig.home.root, "pids");
		const go = join(rig.home.root, "go");
		const task = commandTask(
			"parent",
			`(cd / && env -i setsid sh -c 'echo $$ >> ${pids}; exec sleep 600' >/dev/null 2>&1 &)
			until [ -s ${pids} ] && [ -e ${go} ]; do sleep 0.05; done`,
		);
		await rig.send(task);
		await rig.started(task);
		await rig.endAgent();
		writeFileSync(go, "");
		while (!rig.hasEnded(task)) await delay(20);
		await rig.startAgent();
		expect((await rig.finished(task)).outcome).toBe("succeeded");
		expect(identified(await readFile(pids, "utf8")).filter(isAlive)).toEqual([]);
	});

	test("a memory hog that detached is held too; cpu is held to its quota", async () => {
		const rig = await agentRig();
		await rig.startAgent();
		const hog = limited("hog", `env -i PATH="$PATH" setsid ${taking(400, forever)} & wait`, { memoryBytes: 128 * MiB });
		const slow = limited(
			"slow",
			`node -e 'const until = Date.now() + 2000; while (Date.now() < until);'; echo $OMP_NUM_THREADS`,
			{ cpuMillis: 200 },
		);
		await rig.send(hog);
		await rig.send(slow);
		expect((await rig.finished(hog)).failure?.cause).toBe("oom");
		const { usage } = await rig.finished(slow);
		expect(usage?.cpuSeconds).toBeLessThan(1.2);
		expect(usage?.limits.cpu).toMatch(/^cgroup/);
	});

	test("one whose limits were another's starts without them", async () => {
		const rig = await agentRig();
		await rig.startAgent();
		const small = limited("small", "true", { memoryBytes: 64 * MiB });
		await rig.send(small);
		expect((await rig.finished(small)).outcome).toBe("succeeded");
		for (let index = 0; index < 3; index++) {
			const free = commandTask(`free${index}`, taking(128, ""));
			await rig.send(free);
			expect((await rig.finished(free)).outcome).toBe("succeeded");
		}
	});
});
