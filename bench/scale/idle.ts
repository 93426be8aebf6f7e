/** A mesh with nothing to do: resident memory once it has come to rest, and the agent's share of one core. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Part } from "../benchmark.ts";
import { pidOf, withMesh } from "../harness.ts";
import { cpuSeconds, residentMb } from "../process-cost.ts";

export const atRest: Part = {
	metrics: ["coordinator_idle_mb", "agent_idle_mb", "agent_idle_cpu_pct"],
	measure: (context) =>
		withMesh(context, {}, async (mesh) => {
			const agent = pidOf(mesh, "agent");
			await sleep(context.quick ? 500 : 20_000);
			const startedAt = performance.now();
			const before = cpuSeconds(agent);
			await sleep(context.quick ? 500 : 20_000);
			const busy = (cpuSeconds(agent) - before) / ((performance.now() - startedAt) / 1000);
			return [
				{
					metric: "coordinator_idle_mb",
					value: residentMb(pidOf(mesh, "coordinator")),
					unit: "MB",
					budget: { atMost: 150 },
				},
				{ metric: "agent_idle_mb", value: residentMb(agent), unit: "MB", budget: { atMost: 80 } },
				{ metric: "agent_idle_cpu_pct", value: busy * 100, unit: "%", budget: { atMost: 1 } },
			];
		}),
};
