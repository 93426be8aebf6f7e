/** One run of 10,000 steps: shown in full, and one of its steps explained. */

import { explain } from "#coordinator/explain/explain.ts";
import { openReadStore } from "#coordinator/store/store.ts";
import type { RunId } from "#shared/ids.ts";
import type { Part } from "../benchmark.ts";
import { percentile } from "../figures.ts";
import { withHome } from "../harness.ts";
import { batches, largeRun as eventsOf } from "./journal.ts";

const AT_MS = 1_700_000_000_000;
const ROUNDS = 20;

export const largeRun: Part = {
	metrics: ["run_10k_detail_ms", "explain_10k_step_ms"],
	measure: ({ quick, note }) =>
		withHome(async ({ readStore }) => {
			const cells = quick ? 100 : 10_000;
			const store = openReadStore(readStore);
			try {
				store.project([...batches(eventsOf(cells, AT_MS), 1_000, 1)]);
				const id = store.resolveRun("latest");
				const median = (what: string, work: () => unknown): number => {
					const samples = Array.from({ length: ROUNDS }, () => {
						const startedAt = performance.now();
						JSON.stringify(work());
						return performance.now() - startedAt;
					});
					note(`${what}: p50 ${percentile(samples, 0.5).toFixed(1)} ms, most ${Math.max(...samples).toFixed(1)} ms`);
					return percentile(samples, 0.5);
				};
				const detail = median(`a run of ${cells} steps`, () => store.run(id));
				const sources = { store, waits: () => new Map(), nowMs: AT_MS };
				const step = median("one of its steps explained", () =>
					explain(sources, id as RunId, { step: `cell.${cells / 2}` }),
				);
				return [
					{ metric: "run_10k_detail_ms", value: detail, unit: "ms", budget: { atMost: 250 } },
					{ metric: "explain_10k_step_ms", value: step, unit: "ms", budget: { atMost: 250 } },
				];
			} finally {
				store.close();
			}
		}),
};
