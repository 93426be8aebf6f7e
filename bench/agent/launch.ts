/**
 * From a task's way into its stream to the first instruction of its command, as the command itself tells it: what the
 * agent adds to the start of a process. Beside it the same command, started by Node at once.
 */

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import { natsAuth } from "#shared/credentials.ts";
import type { Task } from "#shared/domain.ts";
import type { AgentId, AttemptId, RunId, StepKey } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import { taskCodec } from "#shared/wire/codec.ts";
import type { Part } from "../benchmark.ts";
import { stampOfChild } from "../dispatch/bare-start.ts";
import { type Measured, percentile } from "../figures.ts";
import { type BenchMesh, withMesh } from "../harness.ts";

const PAUSE_MS = 20;

export const launchTime: Part = {
	metrics: ["task_to_started_p50_ms", "task_to_started_p99_ms"],
	measure: (context) =>
		withMesh(context, {}, async (mesh) => {
			const rounds = context.quick ? 5 : 300;
			const bare: number[] = [];
			for (let round = 0; round < rounds; round++) {
				const at = now();
				bare.push((await stampOfChild()) - at);
				await sleep(PAUSE_MS);
			}
			const samples = await launches(mesh, rounds);
			const figure = (name: string, at: number): Measured => ({
				metric: `task_to_started_${name}_ms`,
				value: percentile(samples, at),
				unit: "ms",
				reference: percentile(bare, at),
			});
			return [figure("p50", 0.5), figure("p99", 0.99)];
		}),
};

const now = (): number => performance.timeOrigin + performance.now();

/** Past the coordinator, which is not asked: its word to stop them comes with a heartbeat, long after their end. */
const launches = async ({ nats, credentials, agents, home }: BenchMesh, rounds: number): Promise<number[]> => {
	const [agent] = agents;
	if (!agent) throw new Error("the mesh has no agent");
	const connection = await connect({ servers: nats, ...natsAuth(credentials) });
	const samples: number[] = [];
	try {
		for (let round = 0; round < rounds; round++) {
			const stamp = `${home.root}/stamp-${round}`;
			const task = stampTask(round, stamp);
			const at = now();
			connection.publish(subjects.task(agent.id as AgentId), taskCodec.encode(task));
			samples.push((await written(stamp)) * 1000 - at);
			await sleep(PAUSE_MS);
		}
	} finally {
		await connection.close();
	}
	return samples;
};

const stampTask = (round: number, stamp: string): Task => {
	const runId = `rbench${round}` as RunId;
	return {
		...{ runId, pipeline: "bench", stepKey: "a" as StepKey, attemptId: `${runId}.a.1` as AttemptId, attemptNumber: 1 },
		...{ fence: 1_000_000 + round, leaderEpoch: 0, env: { LC_ALL: "C" }, inputs: [], outputs: [] },
		action: { kind: "command", command: `echo $EPOCHREALTIME >${stamp}`, shell: ["bash", "-c"], workdir: "" },
		resources: { cpuMillis: 1, memoryBytes: 0, gpu: null, diskBytes: 0, named: {} },
		...{ paramsJson: "{}", timeoutMs: 0, graceMs: 0, code: null, trackCode: false, image: "", environment: null },
		...{ limits: { cpuMillis: 0, memoryBytes: 0, diskBytes: 0 }, gang: null },
	};
};

const written = async (path: string): Promise<number> => {
	for (let waited = 0; waited < 10_000; waited++) {
		try {
			const text = readFileSync(path, "utf8");
			if (text.endsWith("\n")) return Number(text);
		} catch {
			// Not yet.
		}
		await sleep(1);
	}
	throw new Error(`${path} was never written`);
};
