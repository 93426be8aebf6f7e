/** Whether the coordinator lives and can take work, and its figures: open to probes and scrapers. */

import { RunmeshError } from "#shared/errors.ts";
import type { HttpDeps } from "./deps.ts";
import { formatMetrics, type MetricFamily } from "./prometheus.ts";
import type { Api } from "./validation.ts";

export const healthRoutes = (app: Api, deps: HttpDeps): void => {
	const open = true;
	app.get("/healthz", { config: { open, summary: "The process answers" } }, async () => ({ status: "ok" }));

	app.get("/readyz", { config: { open, summary: "The coordinator leads and can take work" } }, async () => {
		if (deps.ready()) return { status: "ready" };
		throw new RunmeshError("RM_UNAVAILABLE", "the coordinator can't take work now", { hint: "it may be starting" });
	});

	app.get("/metrics", { config: { open, summary: "Figures for Prometheus" } }, async (_request, reply) =>
		reply.type("text/plain; version=0.0.4; charset=utf-8").send(formatMetrics(families(deps))),
	);
};

const families = ({ store, agents, ready }: HttpDeps): MetricFamily[] => {
	const { runs, steps } = store.counts();
	const agentStates = { online: 0, closed: 0, cordoned: 0, draining: 0, drained: 0, lost: 0 };
	for (const { state } of agents()) agentStates[state]++;
	const { user, system } = process.cpuUsage();
	const { rss, heapUsed } = process.memoryUsage();
	const gauge = (name: string, help: string, value: number): MetricFamily => ({
		name,
		help,
		type: "gauge",
		samples: [{ labels: {}, value }],
	});
	const byState = (name: string, help: string, counts: Record<string, number>): MetricFamily => ({
		name,
		help,
		type: "gauge",
		samples: Object.entries(counts).map(([state, value]) => ({ labels: { state }, value })),
	});
	return [
		gauge("runmesh_ready", "1 when the coordinator leads and can take work.", ready() ? 1 : 0),
		byState("runmesh_runs", "Runs by state.", runs),
		byState("runmesh_steps", "Steps of all runs by state.", steps),
		byState("runmesh_agents", "Agents by state.", agentStates),
		gauge("runmesh_journal_sequence", "Journal sequence the read side stands at.", store.sequence()),
		gauge("process_resident_memory_bytes", "Resident memory of the coordinator.", rss),
		gauge("nodejs_heap_used_bytes", "Heap in use.", heapUsed),
		gauge("process_start_time_seconds", "Start of the process since the epoch.", startedAtS),
		{
			name: "process_cpu_seconds_total",
			help: "CPU time of the coordinator.",
			type: "counter",
			samples: [{ labels: {}, value: (user + system) / 1e6 }],
		},
	];
};

const startedAtS = Math.round(Date.now() / 1000 - process.uptime());
