/** The command `npm run bench` as it is used: each benchmark in its short form, and what it says of a wrong call. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { z } from "zod";

const run = promisify(execFile);
const main = fileURLToPath(new URL("../../../bench/main.ts", import.meta.url));
const bench = (...args: string[]) => run(process.execPath, [main, ...args]);

const figures = z.array(
	z.strictObject({
		metric: z.string(),
		value: z.number(),
		unit: z.string().min(1),
		budget: z.number().optional(),
		reference: z.number().positive().optional(),
		ratio: z.number().optional(),
	}),
);

const metricsOf = async (name: string): Promise<string[]> => {
	const { stdout } = await bench(name, "--quick", "-o", "json");
	return figures.parse(JSON.parse(stdout)).map(({ metric }) => metric);
};

test("dispatch measures its metrics, each beside its budget", async () => {
	expect(await metricsOf("dispatch")).toEqual([
		"up_to_first_step_s",
		"ready_to_started_p50_ms",
		"ready_to_started_p99_ms",
		"noop_steps_per_s",
		"true_steps_per_s",
		"shell_steps_per_s",
		"recovery_10k_s",
		"step_cost_10_us",
		"step_cost_10k_us",
		"path_step_cost_10_us",
		"path_step_cost_10k_us",
	]);
}, 180_000);

test("readside measures its metrics, each beside its budget", async () => {
	expect(await metricsOf("readside")).toEqual([
		"project_events_per_s",
		"list_p99_ms",
		"deep_page_p99_ms",
		"filter_p99_ms",
		"search_p99_ms",
		"prune_slice_max_ms",
		"database_100k_runs_mb",
		"run_10k_detail_ms",
		"explain_10k_step_ms",
	]);
});

test.skipIf(process.platform !== "linux")("scale measures its metrics", async () => {
	expect(await metricsOf("scale")).toEqual([
		"coordinator_idle_mb",
		"agent_idle_mb",
		"agent_idle_cpu_pct",
		"coordinator_500a_100k_mb",
	]);
});

test("one metric alone can be asked for, and is shown as a table", async () => {
	const { stdout } = await bench("dispatch", "--quick", "--only", "noop_steps_per_s");
	expect(stdout).toMatch(/^METRIC +VALUE +UNIT +BUDGET +REFERENCE +RATIO\nnoop_steps_per_s /);
});

test("an unknown name is told what there is", async () => {
	await expect(bench("speed")).rejects.toMatchObject({
		code: 2,
		stdout: "",
		stderr: expect.stringMatching(/no benchmark "speed".*dispatch.*readside.*scale/s),
	});
	await expect(bench("scale", "--only", "speed")).rejects.toMatchObject({
		code: 2,
		stderr: expect.stringContaining("coordinator_idle_mb"),
	});
});
