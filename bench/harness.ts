/** A real mesh on a home of its own, and what every benchmark does with one. Whatever happens, nothing is left. */

import { randomUUID } from "node:crypto";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiClient, createApiClient, isFinished } from "#cli/lib/client.ts";
import type { MeshOptions } from "#cli/up/options.ts";
import { type RunningMesh, startMesh } from "#cli/up/up.ts";
import type { RunDetail, RunSummary } from "#shared/api.ts";
import { type Home, resolveHome } from "#shared/home.ts";
import type { BenchContext } from "./benchmark.ts";

export interface BenchMesh extends RunningMesh {
	readonly client: ApiClient;
}

const anyPorts = { httpPort: 0, grpcPort: 0, natsPort: 0, agentGrpcPort: 0, servingPort: 0 } as const;

const homes = new Set<string>();

const removeHomes = (): void => {
	for (const root of homes) rmSync(root, { recursive: true, force: true, maxRetries: 5 });
};

/** Behind the listeners that kill what lives there. */
const removeHomesAtExit = (): void => {
	process.off("exit", removeHomes);
	process.on("exit", removeHomes);
};

/** Removed afterwards, also when this process is told to end. */
export const withHome = async <T>(use: (home: Home) => Promise<T>): Promise<T> => {
	const root = mkdtempSync(join(realpathSync(tmpdir()), "runmesh-bench-"));
	homes.add(root);
	removeHomesAtExit();
	try {
		return await use(resolveHome(root));
	} finally {
		await rm(root, { recursive: true, force: true, maxRetries: 5 });
		homes.delete(root);
	}
};

export const withMesh = async <T>(
	{ profiles, note }: BenchContext,
	options: Partial<MeshOptions>,
	use: (mesh: BenchMesh) => Promise<T>,
): Promise<T> =>
	withHome(async (home) => {
		const profiling = profiles === null ? "" : `--cpu-prof --cpu-prof-dir=${profiles}`;
		const NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} ${profiling}`.trim();
		const mesh = await startMesh({
			...anyPorts,
			agentName: "bench",
			env: { ...process.env, NODE_OPTIONS },
			onEvent: (event) => {
				if (profiles !== null && event.kind === "started") note(`${event.name} is process ${event.pid}`);
			},
			...options,
			home,
		});
		removeHomesAtExit();
		try {
			return await use({ ...mesh, client: createApiClient({ url: mesh.url, token: mesh.credentials.apiToken }) });
		} finally {
			await mesh.stop();
		}
	});

export const pidOf = (mesh: RunningMesh, name: string): number => {
	const pid = mesh.processes()[name];
	if (pid === undefined) throw new Error(`${name} does not run`);
	return pid;
};

/** Asked again with the same id, it is the same run. */
export const submit = (client: ApiClient, pipeline: string, submissionId: string = randomUUID()): Promise<RunDetail> =>
	client.submitRun({
		pipeline,
		file: "bench.yaml",
		params: {},
		code: null,
		submissionId,
		files: {},
		cache: "use",
		reuse: null,
	});

const POLL_MS = 200;

/** Asks for the newest runs' summaries alone: cheap for the coordinator, whatever the run's size. */
export const finished = async (client: ApiClient, runId: string): Promise<RunSummary> => {
	for (;;) {
		const { items } = await client.runs({ limit: 20 });
		const run = items.find(({ id }) => id === runId);
		if (run && isFinished(run)) {
			if (run.state === "succeeded") return run;
			throw new Error(`run ${runId} ${run.state}: ${run.steps.failed} of ${run.steps.total} steps failed`);
		}
		await sleep(POLL_MS);
	}
};

/** Heartbeats of the agents, so that what the last measurement left behind has been settled. */
export const settle = (context: BenchContext): Promise<void> => sleep(context.quick ? 0 : 5_000);
