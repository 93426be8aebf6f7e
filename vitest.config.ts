import { defineConfig } from "vitest/config";

/** One project for each kind of test; see docs/testing.md. */
const project = (name: string, testTimeout: number, fileParallelism = true) => ({
	test: {
		name,
		include: [`test/${name}/**/*.test.ts`],
		environment: "node" as const,
		// No test may depend on how busy the machine is.
		env: { RUNMESH_OTHERS: "ignore" },
		testTimeout,
		hookTimeout: 60_000,
		fileParallelism,
		pool: "forks" as const,
	},
});

export default defineConfig({
	test: {
		projects: [
			project("unit", 20_000),
			project("sim", 120_000),
			project("integration", 60_000),
			project("fault", 120_000, false),
			project("e2e", 180_000, false),
		],
	},
});
