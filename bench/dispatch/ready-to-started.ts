/**
 * From the journal event that made a step ready to the first instruction of the step's command. The first is the
 * event's own time, which the leader gives it before the journal has it; the second is taken by the command itself:
 * what any process of ours could tell about it comes earlier. Both clocks are this machine's.
 */

import type { RunDetail } from "#shared/api.ts";
import type { Part } from "../benchmark.ts";
import { type Measured, percentile } from "../figures.ts";
import { type BenchMesh, finished, settle, submit, withMesh } from "../harness.ts";
import { stampedChain } from "../matrix.ts";
import { bareStarts } from "./bare-start.ts";
import { stampOf } from "./stamp.ts";

const runChain = async ({ client }: BenchMesh, length: number): Promise<RunDetail> => {
	const { id } = await submit(client, stampedChain(length));
	await finished(client, id);
	return client.run(id);
};

/** Of every step of the chain; the first one's submission is part of it. */
const latencies = ({ stepList }: RunDetail): number[] =>
	stepList.map((step) => {
		const stamp = stampOf(step);
		if (stamp === null || step.readyAtMs === null) throw new Error(`${step.key} has not run`);
		return stamp - step.readyAtMs;
	});

export const readyToStarted: Part = {
	metrics: ["ready_to_started_p50_ms", "ready_to_started_p99_ms"],
	measure: (context) =>
		withMesh(context, {}, async (mesh) => {
			await runChain(mesh, context.quick ? 2 : 100);
			await settle(context);
			const bare = await bareStarts(mesh, context.quick ? 5 : 200);
			const samples: number[] = [];
			for (let round = 0; round < (context.quick ? 1 : 2); round++) {
				samples.push(...latencies(await runChain(mesh, context.quick ? 5 : 200)));
			}
			const figure = (name: string, at: number, atMost: number): Measured => ({
				metric: `ready_to_started_${name}_ms`,
				value: percentile(samples, at),
				unit: "ms",
				budget: { atMost },
				reference: percentile(bare, at),
			});
			return [figure("p50", 0.5, 5), figure("p99", 0.99, 25)];
		}),
};
