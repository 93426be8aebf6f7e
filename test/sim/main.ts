/** `npm run sim -- --seeds 10000 [--from 1]`, or `--seed N` for one, whose failure is told in full. */

import { parseArgs } from "node:util";
import { World } from "./world/world.ts";

const { values } = parseArgs({
	options: { seeds: { type: "string" }, from: { type: "string" }, seed: { type: "string" } },
});
const from = Number(values.seed ?? values.from ?? 1);
const count = values.seed ? 1 : Number(values.seeds ?? 1_000);
const startedMs = performance.now();
let failed = 0;
for (let seed = from; seed < from + count; seed++) {
	try {
		new World(seed).run();
	} catch (error) {
		failed += 1;
		console.error(`seed ${seed}:`, values.seed ? error : (error as Error).message);
	}
}
const seconds = (performance.now() - startedMs) / 1000;
console.log(`${count} seeds in ${seconds.toFixed(1)} s (${(count / seconds).toFixed(0)}/s), ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
