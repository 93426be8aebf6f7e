/**
 * What one no-op step costs the whole mesh, in small runs and in large ones: CPU time of the coordinator, the agent and
 * nats-server, whatever else the machine does. A run costs something too, its file and its submission: small runs
 * share it among fewer steps.
 */

import type { Part } from "../benchmark.ts";
import { median } from "../figures.ts";
import { type BenchMesh, finished, settle, submit, withMesh } from "../harness.ts";
import { matrixPipeline } from "../matrix.ts";
import { cpuSeconds } from "../process-cost.ts";

const SUBMITTED_AT_ONCE = 10;

const spent = (mesh: BenchMesh): number =>
	Object.values(mesh.processes())
		.map(cpuSeconds)
		.reduce((sum, seconds) => sum + seconds, 0);

/** Microseconds for each step of `runs` runs of `size`. */
const pathCost = async (mesh: BenchMesh, size: number, runs: number): Promise<number> => {
	const pipeline = matrixPipeline(size, ["uses: noop"]);
	const before = spent(mesh);
	for (let left = runs; left > 0; left -= SUBMITTED_AT_ONCE) {
		const some = Array.from({ length: Math.min(left, SUBMITTED_AT_ONCE) }, async () => {
			const { id } = await submit(mesh.client, pipeline);
			await finished(mesh.client, id);
		});
		await Promise.all(some);
	}
	return ((spent(mesh) - before) * 1e6) / (size * runs);
};

export const pathCosts: Part = {
	metrics: ["path_step_cost_10_us", "path_step_cost_10k_us"],
	measure: (context) =>
		withMesh(context, {}, async (mesh) => {
			const steps = context.quick ? 200 : 10_000;
			await pathCost(mesh, 10, 10);
			const costs: [number, number][] = [];
			for (const size of [10, 100, 1_000, 10_000].filter((each) => each <= steps)) {
				const rounds: number[] = [];
				for (let round = 0; round < (context.quick ? 1 : 3); round++) {
					rounds.push(await pathCost(mesh, size, Math.min(steps / size, 200)));
				}
				costs.push([size, median(rounds)]);
				await settle(context);
			}
			context.note(costs.map(([size, micros]) => `${micros.toFixed(0)} µs in runs of ${size}`).join(", "));
			const [small, large] = [costs[0]?.[1] ?? 0, costs.at(-1)?.[1] ?? 0];
			return [
				{ metric: "path_step_cost_10_us", value: small, unit: "µs" },
				{ metric: "path_step_cost_10k_us", value: large, unit: "µs", reference: small },
			];
		}),
};
