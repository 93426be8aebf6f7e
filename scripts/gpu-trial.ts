/**
 * For a machine with an NVIDIA GPU, its driver and python3: what an agent finds there, two jobs that share a GPU, and
 * one that takes more than its share, on a mesh of its own. Writes bench/results/gpu.json, or the file that is named.
 */

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type ApiClient, createApiClient, isFinished } from "#cli/lib/client.ts";
import { submitPipeline } from "#cli/lib/submit.ts";
import { startMesh } from "#cli/up/up.ts";
import type { AttemptView, RunDetail } from "#shared/api.ts";
import { resolveHome } from "#shared/home.ts";

const LOOK_MS = 200;

interface Figure {
	metric: string;
	value: number;
	unit: string;
}

const runToEnd = async (client: ApiClient, file: string): Promise<RunDetail> => {
	const path = fileURLToPath(new URL(`./gpu-trial/${file}`, import.meta.url));
	let run = await submitPipeline(client, path, {}, { cache: "off" });
	while (!isFinished(run)) {
		await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
		run = await client.run(run.id);
	}
	return run;
};

const attemptsOf = (run: RunDetail): AttemptView[] => run.stepList.flatMap(({ attempts }) => attempts.slice(-1));

const secondsOf = ({ startedAtMs, finishedAtMs }: AttemptView): number =>
	((finishedAtMs ?? 0) - (startedAtMs ?? 0)) / 1_000;

/** How long both ran at once. */
const overlapOf = (attempts: readonly AttemptView[]): number => {
	const begin = Math.max(...attempts.map(({ startedAtMs }) => startedAtMs ?? 0));
	const end = Math.min(...attempts.map(({ finishedAtMs }) => finishedAtMs ?? 0));
	return Math.max(0, end - begin) / 1_000;
};

const trial = async (client: ApiClient): Promise<object> => {
	const [agent] = await client.agents();
	const gpus = agent?.fingerprint?.gpus ?? [];
	if (gpus.length === 0) throw new Error(`no GPU here: ${agent?.fingerprint?.problems.gpu ?? "none was found"}`);
	console.log(`found ${gpus.map(({ id, model }) => `${model} (${id})`).join(", ")}`);

	const shared = await runToEnd(client, "share.yaml");
	console.log(`two shares: ${shared.state}`);
	const greedy = await runToEnd(client, "over-budget.yaml");
	console.log(`over its share: ${greedy.state}`);

	const [one, two] = attemptsOf(shared);
	const [stopped] = attemptsOf(greedy);
	if (!one || !two || !stopped) throw new Error("a step was not tried");
	const figures: Figure[] = [
		{ metric: "gpus", value: gpus.length, unit: "devices" },
		{ metric: "share_overlap_s", value: overlapOf([one, two]), unit: "s" },
		{ metric: "share_peak_gpu_memory_mib", value: (one.usage?.peakGpuMemoryBytes ?? 0) / 1024 ** 2, unit: "MiB" },
		{ metric: "share_gpu_s", value: (one.usage?.gpuSeconds ?? 0) + (two.usage?.gpuSeconds ?? 0), unit: "s" },
		{ metric: "over_budget_stopped_after_s", value: secondsOf(stopped), unit: "s" },
	];
	return {
		machine: { cpu: cpus()[0]?.model ?? "", node: process.version, gpus },
		figures,
		shared: attemptsOf(shared),
		overBudget: { state: greedy.state, failure: stopped.failure },
	};
};

const { out } = parseArgs({
	options: { out: { type: "string", default: fileURLToPath(new URL("../bench/results/gpu.json", import.meta.url)) } },
}).values;
const root = mkdtempSync(join(realpathSync(tmpdir()), "runmesh-gpu-"));
const ports = { httpPort: 0, grpcPort: 0, natsPort: 0, agentGrpcPort: 0, servingPort: 0 };
const env = { ...process.env, RUNMESH_AGENT_GPU_INTERVAL: "1s" };
const mesh = await startMesh({ home: resolveHome(root), ...ports, agents: 1, env });
try {
	const client = createApiClient({ url: mesh.url, token: mesh.credentials.apiToken });
	const result = await trial(client);
	writeFileSync(out, `${JSON.stringify(result, null, "\t")}\n`);
	console.log(`written to ${out}`);
} finally {
	await mesh.stop();
	rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
