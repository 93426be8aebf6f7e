/** No-op steps through the whole path, beside a bare skeleton of that path on the same nats-server. */

import type { Part } from "../benchmark.ts";
import { median } from "../figures.ts";
import { type BenchMesh, finished, settle, submit, withMesh } from "../harness.ts";
import { matrixPipeline } from "../matrix.ts";
import { whileCounting } from "../process-cost.ts";
import { bareSkeleton } from "./skeleton.ts";

/** From the journaled submission to the journaled end, by the leader's clock. */
const rate = async ({ client }: BenchMesh, cells: number): Promise<number> => {
	const { id } = await submit(client, matrixPipeline(cells, ["uses: noop"]));
	const { submittedAtMs, finishedAtMs } = await finished(client, id);
	return (cells / ((finishedAtMs ?? 0) - submittedAtMs)) * 1000;
};

export const noopThroughput: Part = {
	metrics: ["noop_steps_per_s"],
	measure: (context) =>
		withMesh(context, {}, async (mesh) => {
			const cells = context.quick ? 200 : 10_000;
			const rates: number[] = [];
			const references: number[] = [];
			for (let round = 0; round < (context.quick ? 1 : 3); round++) {
				references.push(await bareSkeleton(mesh, cells));
				const { result, spent } = await whileCounting(mesh.processes, () => rate(mesh, cells));
				rates.push(result);
				context.note(`${result.toFixed(0)} steps/s; CPU: ${spent}`);
				await settle(context);
			}
			return [
				{
					metric: "noop_steps_per_s",
					value: median(rates),
					unit: "steps/s",
					budget: { atLeast: 3_000 },
					reference: median(references),
				},
			];
		}),
};
