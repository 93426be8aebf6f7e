/** Steps that start one program, and steps that start a shell and one, beside a shell that does nothing but that. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Part } from "../benchmark.ts";
import { type Measured, median } from "../figures.ts";
import { type BenchMesh, finished, settle, submit, withMesh } from "../harness.ts";
import { matrixPipeline } from "../matrix.ts";
import { whileCounting } from "../process-cost.ts";

const run = promisify(execFile);

/** A command that needs no shell, and one that does. */
const COMMANDS = { true_steps_per_s: "/bin/true", shell_steps_per_s: "/bin/true && exit 0" } as const;
type Metric = keyof typeof COMMANDS;

const started: Record<Metric, string> = {
	true_steps_per_s: "/bin/true",
	shell_steps_per_s: "/bin/sh -c '/bin/true && exit 0'",
};

/** Starts one after the other: vfork, exec and wait, as posix_spawn does. */
const bareLoop = async (command: string, count: number): Promise<number> => {
	const startedAt = performance.now();
	await run("/bin/sh", ["-c", `i=0; while [ $i -lt ${count} ]; do ${command}; i=$((i+1)); done`]);
	return count / ((performance.now() - startedAt) / 1000);
};

const rate = async ({ client }: BenchMesh, metric: Metric, cells: number): Promise<number> => {
	const step = [`run: ${COMMANDS[metric]}`, "resources: {cpu: 100m, memory: 1Mi}"];
	const { id } = await submit(client, matrixPipeline(cells, step));
	const { submittedAtMs, finishedAtMs } = await finished(client, id);
	return (cells / ((finishedAtMs ?? 0) - submittedAtMs)) * 1000;
};

const throughput = (metric: Metric, budget: Pick<Measured, "budget">): Part => ({
	metrics: [metric],
	measure: (context) =>
		withMesh(context, {}, async (mesh) => {
			const cells = context.quick ? 20 : 2_000;
			// A mesh that has worked for a while: by then V8 has compiled what it will.
			await rate(mesh, metric, cells);
			await settle(context);
			const rates: number[] = [];
			const references: number[] = [];
			for (let round = 0; round < (context.quick ? 1 : 3); round++) {
				references.push(await bareLoop(started[metric], cells));
				const { result, spent } = await whileCounting(mesh.processes, () => rate(mesh, metric, cells));
				rates.push(result);
				context.note(`${result.toFixed(0)} steps/s; CPU: ${spent}`);
				await settle(context);
			}
			return [{ metric, value: median(rates), unit: "steps/s", ...budget, reference: median(references) }];
		}),
});

export const trueThroughput: Part = throughput("true_steps_per_s", { budget: { atLeastRatio: 0.8 } });
export const shellThroughput: Part = throughput("shell_steps_per_s", {});
