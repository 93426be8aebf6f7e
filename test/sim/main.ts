/** `npm run sim -- --seeds 10000 [--from 1] [--jobs 2]`, or `--seed N` for one, whose failure is told in full. */

import { fork } from "node:child_process";
import { parseArgs } from "node:util";
import { World } from "./world/world.ts";

const { values } = parseArgs({
	options: {
		seeds: { type: "string" },
		from: { type: "string" },
		jobs: { type: "string" },
		seed: { type: "string" },
		/** Of a worker: every so many. */
		stride: { type: "string" },
	},
});

const tellOne = (seed: number): void => {
	const world = new World(seed, true);
	try {
		world.run();
		console.log(`seed ${seed} comes to its end`);
	} catch (error) {
		process.exitCode = 1;
		for (const line of world.story.lines()) console.error(line);
		console.error(`seed ${seed}:`, error);
	}
};

/** Returns how many failed. */
const runSeeds = (from: number, end: number, stride: number): number => {
	let failed = 0;
	for (let seed = from; seed < end; seed += stride) {
		try {
			new World(seed).run();
		} catch (error) {
			failed += 1;
			console.error(`seed ${seed}: ${(error as Error).message.slice(0, 400)}`);
		}
	}
	return failed;
};

const runJobs = async (from: number, end: number, jobs: number): Promise<number> => {
	const failures = Array.from({ length: jobs }, (_, job) => {
		const args = [`--from=${from + job}`, `--seeds=${end - from - job}`, `--stride=${jobs}`];
		const worker = fork(import.meta.filename, args);
		return new Promise<number>((resolve, reject) => {
			worker.once("message", (failed) => resolve(failed as number));
			worker.once("exit", (code) => reject(new Error(`a worker ended with ${code}`)));
		});
	});
	return (await Promise.all(failures)).reduce((sum, failed) => sum + failed, 0);
};

const from = Number(values.from ?? 1);
const count = Number(values.seeds ?? 1_000);
const jobs = Number(values.jobs ?? 1);
const startedMs = performance.now();
if (values.seed) {
	tellOne(Number(values.seed));
} else if (values.stride) {
	process.send?.(runSeeds(from, from + count, Number(values.stride)));
	process.disconnect();
} else {
	const failed = jobs > 1 ? await runJobs(from, from + count, jobs) : runSeeds(from, from + count, 1);
	const seconds = (performance.now() - startedMs) / 1000;
	console.log(`${count} seeds in ${seconds.toFixed(1)} s (${(count / seconds).toFixed(0)}/s), ${failed} failed`);
	process.exitCode = failed > 0 ? 1 : 0;
}
