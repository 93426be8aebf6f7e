/** An agent that has run ten thousand attempts: its memory then, beside that after the first thousand. */

import type { Part } from "../benchmark.ts";
import { finished, pidOf, settle, submit, withMesh } from "../harness.ts";
import { matrixPipeline } from "../matrix.ts";
import { residentMb } from "../process-cost.ts";

export const growth: Part = {
	metrics: ["agent_after_10k_attempts_mb"],
	measure: (context) =>
		withMesh(context, {}, async (mesh) => {
			const run = async (attempts: number): Promise<number> => {
				const step = ["run: /bin/true", "resources: {cpu: 100m, memory: 1Mi}"];
				const { id } = await submit(mesh.client, matrixPipeline(attempts, step));
				await finished(mesh.client, id);
				await settle(context);
				return residentMb(pidOf(mesh, "agent"));
			};
			const share = context.quick ? 0.01 : 1;
			const first = await run(1_000 * share);
			for (let round = 0; round < 2; round++) await run(3_000 * share);
			return [{ metric: "agent_after_10k_attempts_mb", value: await run(3_000 * share), unit: "MB", reference: first }];
		}),
};
