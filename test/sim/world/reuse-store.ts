/** The read store as far as reuse asks for it, made of the view. */

import type { ReuseStore } from "#coordinator/reuse.ts";
import type { RunDetail, StepView } from "#shared/api.ts";
import { isFinal, statusOf, type ViewRun } from "./seen.ts";
import type { View } from "./view.ts";

export const reuseStore = (view: View): ReuseStore => {
	const find = (id: string): ViewRun | null => view.runs.get(id) ?? null;
	return {
		run: (id) => {
			const run = find(id);
			return run && detailOf(run);
		},
		source: (id) => {
			const run = find(id);
			if (!run) return null;
			const { code, cacheMode, leftOut } = run.submitted;
			return { definition: run.definition, params: run.params, code, cacheMode, leftOut } as never;
		},
		latestOf: () => null,
		resolveRun: (id) => (view.runs.has(id) ? id : null) as never,
	};
};

const detailOf = (run: ViewRun): RunDetail => {
	const stepList = [...run.steps.values()].map(
		(step) =>
			({
				...{ key: step.key, name: step.definition.name, matrix: step.matrix, state: statusOf(step) },
				...{ outputs: step.outputs, metrics: step.metrics, takenFrom: null },
			}) as unknown as StepView,
	);
	const finishedAtMs = isFinal(run.status) ? 1 : null;
	return { id: run.id, state: run.status, params: run.params, finishedAtMs, stepList } as unknown as RunDetail;
};
