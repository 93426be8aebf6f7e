/**
 * A coordinator killed while 10,000 steps run: from SIGKILL to the first instruction of a step that was submitted
 * after it. The 10,000 run on simulated agents; the new step on the real one, through the whole path.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunDetail } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Part } from "../benchmark.ts";
import { median } from "../figures.ts";
import { type BenchMesh, pidOf, settle, submit, withMesh } from "../harness.ts";
import { matrixPipeline, stampedChain } from "../matrix.ts";
import { startSimulatedAgents } from "../simulated/agents.ts";
import { stampOf } from "./stamp.ts";

const AGENTS = 4;
const MEMORY_BYTES = 1024 ** 4;
const RETRY_MS = 10;
const STEP = ["run: 'true'", "resources: {cpu: 1m, memory: 1Mi}", "labels: {pool: simulated}"];

/** Asks until it is answered: for a while there is nobody. */
const persist = async <T>(ask: () => Promise<T>): Promise<T> => {
	for (;;) {
		try {
			return await ask();
		} catch (error) {
			if (!(error instanceof RunmeshError) || error.code !== "RM_UNAVAILABLE") throw error;
			await sleep(RETRY_MS);
		}
	}
};

const killAndWait = async (mesh: BenchMesh): Promise<number> => {
	const { client } = mesh;
	const killedAt = Date.now();
	process.kill(pidOf(mesh, "coordinator"), "SIGKILL");
	const submissionId = randomUUID();
	let run: RunDetail = await persist(() => submit(client, stampedChain(1), submissionId));
	for (;;) {
		const [step] = run.stepList;
		const stamp = step ? stampOf(step) : null;
		if (stamp !== null) return (stamp - killedAt) / 1000;
		await sleep(RETRY_MS);
		run = await persist(() => client.run(run.id));
	}
};

export const recovery: Part = {
	metrics: ["recovery_10k_s"],
	measure: (context) =>
		withMesh(context, {}, async (mesh) => {
			const cells = context.quick ? 200 : 10_000;
			// Full to the brim: the new step finds room on the real agent alone.
			const agents = await startSimulatedAgents(mesh, {
				agents: AGENTS,
				cpuMillis: cells / AGENTS,
				memoryBytes: MEMORY_BYTES,
				labels: { pool: "simulated" },
			});
			try {
				await submit(mesh.client, matrixPipeline(cells, STEP));
				await agents.tasksTaken(cells);
				await settle(context);
				const seconds: number[] = [];
				for (let round = 0; round < (context.quick ? 1 : 3); round++) {
					seconds.push(await killAndWait(mesh));
					await settle(context);
				}
				context.note(`rounds: ${seconds.map((each) => each.toFixed(2)).join(", ")}`);
				return [{ metric: "recovery_10k_s", value: median(seconds), unit: "s", budget: { atMost: 3 } }];
			} finally {
				await agents.close();
			}
		}),
};
