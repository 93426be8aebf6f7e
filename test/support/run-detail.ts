/** Runs and steps as the API gives them, with only what a test cares about spelled out. */

import type { AttemptView, RunDetail, StepView } from "#shared/api.ts";

export const stepView = (key: string, more: Partial<StepView> = {}): StepView => ({
	key,
	name: key.replace(/\.\d+$/, ""),
	matrix: {},
	needs: [],
	state: "waiting",
	reason: "",
	failure: null,
	readyAtMs: null,
	startedAtMs: null,
	finishedAtMs: null,
	outputs: [],
	metrics: [],
	takenFrom: null,
	attempts: [],
	...more,
});

export const attemptView = (number: number, more: Partial<AttemptView> = {}): AttemptView => ({
	id: `r0test.train.${number}`,
	number,
	state: "succeeded",
	agent: "lab-1",
	members: [],
	usage: null,
	leasedAtMs: 1_700_000_000_000,
	startedAtMs: null,
	finishedAtMs: null,
	failure: null,
	reason: "",
	...more,
});

export const runDetail = (stepList: StepView[], more: Partial<RunDetail> = {}): RunDetail => {
	const count = (state: StepView["state"]): number => stepList.filter((step) => step.state === state).length;
	return {
		id: "r0test",
		pipeline: "digits",
		state: "running",
		submitter: "admin",
		submittedAtMs: 1_700_000_000_000,
		finishedAtMs: null,
		reason: "",
		basedOn: null,
		steps: {
			total: stepList.length,
			succeeded: count("succeeded"),
			failed: count("failed"),
			running: count("running"),
		},
		params: {},
		stepList,
		...more,
	};
};
