/** `uses: select`: the best cell of a step by a metric; its outputs become the select step's own. */

import type { StepAction } from "#shared/pipeline/definition.ts";
import { failStep, settleStep } from "./settle.ts";
import type { Step } from "./state.ts";
import type { Turn } from "./turn.ts";

export const runSelect = (turn: Turn, step: Step, action: Extract<StepAction, { kind: "select" }>): void => {
	const scored = (step.run.cells.get(action.from) ?? []).flatMap((cell) => {
		const value = cell.metrics.findLast((metric) => metric.name === action.metric)?.value;
		const counts = cell.status === "succeeded" && value !== undefined && !Number.isNaN(value);
		return counts ? [{ cell, value }] : [];
	});
	const [first, ...rest] = scored;
	if (!first) {
		const message = `no cell of ${action.from} reports the metric ${action.metric}`;
		return failStep(turn, step, "error", message);
	}
	// The first of equals, so that replay and retries choose the same.
	const best = rest.reduce((held, candidate) => {
		const better = action.mode === "max" ? candidate.value > held.value : candidate.value < held.value;
		return better ? candidate : held;
	}, first);
	const cell = Object.entries(best.cell.matrix).map(([axis, value]) => `${axis}=${value}`);
	const reason = `${best.cell.key}${cell.length ? ` (${cell.join(" ")})` : ""}: ${action.metric} ${Number(best.value.toPrecision(6))}, ${action.mode} of ${scored.length}`;
	settleStep(turn, step, "succeeded", reason, { outputs: best.cell.outputs, metrics: best.cell.metrics });
};
