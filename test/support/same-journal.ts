/** What a leader knows by the journal, as plain data: equal for the one that wrote it and one that read it. */

import type { MeshState, Run, Step } from "#coordinator/core/state.ts";

export const journaledView = (state: MeshState): object => ({
	epoch: state.epoch,
	fence: state.fence,
	lastEventAtMs: state.lastEventAtMs,
	runs: [...state.runs.values()].map(runView),
	submissions: [...state.submissions],
	models: [...state.models],
	deployments: [...state.deployments.values()].map(({ putAtMs: _, ...deployment }) => deployment),
	attempts: [...state.attempts.keys()].sort(),
	held: [...state.held].map(({ key }) => key).sort(),
	runGroups: [...state.runGroups].map(([group, runs]) => [group, [...runs].map(({ id }) => id)]),
	stepGroups: [...state.stepGroups].map(([group, steps]) => [group, [...steps].map(({ key }) => key).sort()]).sort(),
	results: [...state.results.entries()].map(({ key, runId, stepKey }) => [key, runId, stepKey]),
	claims: [...state.agents.values()]
		.filter(({ attempts }) => attempts.size > 0)
		.map(({ id, attempts }) => [id, [...attempts].map((attempt) => attempt.id).sort()])
		.sort(),
});

const runView = (run: Run): object => {
	const { id, params, status, admittedAtMs, group, timedOut, unsettled } = run;
	return {
		...{ id, params, status, admittedAtMs, group, timedOut, unsettled },
		cellsLeft: [...run.cellsLeft].sort(),
		cellsOpen: [...run.cellsOpen].sort(),
		reused: [...run.reused.keys()],
		steps: [...run.steps.values()].map(stepView),
	};
};

const stepView = (step: Step): object => {
	const { key, matrix, isTemplate, unmetNeeds, openNeeds, attempts, failures, losses, outputs, metrics } = step;
	const { failure, cancelReason, answer, group, cacheMissed } = step;
	const { id, number, fence, agentId, status, leasedAtMs } = step.attempt ?? {};
	return {
		...{ key, matrix, isTemplate, unmetNeeds, openNeeds, attempts, failures, losses, outputs, metrics },
		...{ failure, cancelReason, answer, group, cacheMissed },
		attempt: { id, number, fence, agentId, status, leasedAtMs },
		// That its time has come stands in no journal: it follows from the time.
		status: step.status === "backoff" || (step.status === "ready" && step.attempts > 0) ? "due" : step.status,
	};
};
