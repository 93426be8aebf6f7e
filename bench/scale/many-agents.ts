/**
 * The coordinator's peak memory with 500 agents and 100,000 steps: first all of them live at once, one in five
 * running and the others waiting for room, then all of them run through to their end.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Part } from "../benchmark.ts";
import { finished, pidOf, submit, withMesh } from "../harness.ts";
import { matrixPipeline } from "../matrix.ts";
import { peakResidentMb, residentMb } from "../process-cost.ts";
import { startSimulatedAgents } from "../simulated/agents.ts";

const AGENT = { cpuMillis: 4_000, memoryBytes: 16 * 1024 ** 3, labels: {} };
const STEPS_PER_AGENT = 40;
const STEP = ["run: 'true'", "resources: {cpu: 100m, memory: 1Mi}"];

export const manyAgents: Part = {
	metrics: ["coordinator_500a_100k_mb"],
	measure: (context) =>
		withMesh(context, { agents: 0 }, async (mesh) => {
			const [agents, runs, cells] = context.quick ? [5, 2, 250] : [500, 10, 10_000];
			const coordinator = pidOf(mesh, "coordinator");
			const simulated = await startSimulatedAgents(mesh, { ...AGENT, agents });
			try {
				const ids: string[] = [];
				for (let run = 0; run < runs; run++) {
					ids.push((await submit(mesh.client, matrixPipeline(cells, STEP))).id);
				}
				await simulated.tasksTaken(agents * STEPS_PER_AGENT);
				await sleep(context.quick ? 0 : 10_000);
				context.note(
					`all live: ${residentMb(coordinator).toFixed(0)} MB, peak ${peakResidentMb(coordinator).toFixed(0)} MB`,
				);
				const releasedAt = performance.now();
				simulated.release();
				for (const id of ids) await finished(mesh.client, id);
				const rate = (runs * cells) / ((performance.now() - releasedAt) / 1000);
				context.note(`all over, at ${rate.toFixed(0)} steps/s; ${residentMb(coordinator).toFixed(0)} MB now`);
				return [
					{
						metric: "coordinator_500a_100k_mb",
						value: peakResidentMb(coordinator),
						unit: "MB",
						budget: { atMost: 512 },
					},
				];
			} finally {
				await simulated.close();
			}
		}),
};
