import { expect, it } from "vitest";
import { World } from "./world/world.ts";

/** Every seed is another mesh, other pipelines, other faults; `npm run sim -- --seed N` tells one again. */
const SEEDS = 500;

it(`${SEEDS} seeded meshes keep their invariants and come to their end`, () => {
	const failures: string[] = [];
	for (let seed = 1; seed <= SEEDS; seed++) {
		try {
			new World(seed).run();
		} catch (error) {
			failures.push(`seed ${seed}: ${(error as Error).message}`);
		}
	}
	expect(failures).toEqual([]);
});
