/** Steps that run /bin/true, many at once, beside a shell that does nothing but start it. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Part } from "../benchmark.ts";
import { median } from "../figures.ts";
import { type BenchMesh, finished, settle, submit, withMesh } from "../harness.ts";
import { matrixPipeline } from "../matrix.ts";
import { whileCounting } from "../process-cost.ts";

const run = promisify(execFile);

const bareLoop = async (count: number): Promise<number> => {
	const startedAt = performance.now();
	await run("/bin/sh", ["-c", `i=0; while [ $i -lt ${count} ]; do /bin/true; i=$((i+1)); done`]);
	return count / ((performance.now() - startedAt) / 1000);
};

const STEP = ["run: /bin/true", "resources: {cpu: 100m, memory: 1Mi}"];

const rate = async ({ client }: BenchMesh, cells: number): Promise<number> => {
	const { id } = await submit(client, matrixPipeline(cells, STEP));
	const { submittedAtMs, finishedAtMs } = await finished(client, id);
	return (cells / ((finishedAtMs ?? 0) - submittedAtMs)) * 1000;
};

export const trueThroughput: Part = {
	metrics: ["true_steps_per_s"],
	measure: (context) =>
		withMesh(context, {}, async (mesh) => {
			const cells = context.quick ? 20 : 2_000;
			await rate(mesh, context.quick ? 2 : 500);
			await settle(context);
			const rates: number[] = [];
			const references: number[] = [];
			for (let round = 0; round < (context.quick ? 1 : 3); round++) {
				references.push(await bareLoop(cells));
				const { result, spent } = await whileCounting(mesh.processes, () => rate(mesh, cells));
				rates.push(result);
				context.note(`${result.toFixed(0)} steps/s; CPU: ${spent}`);
				await settle(context);
			}
			return [
				{
					metric: "true_steps_per_s",
					value: median(rates),
					unit: "steps/s",
					budget: { atLeastRatio: 0.8 },
					reference: median(references),
				},
			];
		}),
};
