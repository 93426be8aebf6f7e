/** What a run and a step begin with, beside what makes each its own. */

import type { Run, Step } from "./state.ts";

export const stepAtFirst = (): Omit<Step, "run" | "key" | "definition" | "matrix" | "attempt"> => ({
	status: "waiting",
	isTemplate: false,
	unmetNeeds: 0,
	openNeeds: 0,
	attempts: 0,
	failures: 0,
	losses: 0,
	readyAtMs: 0,
	sinceMs: 0,
	notBeforeMs: 0,
	outputs: [],
	metrics: [],
	failure: null,
	cancelReason: "",
	answer: null,
	group: "",
	cacheMissed: false,
	compared: null,
	declinedUntilMs: null,
	story: [],
});

export const runAtFirst = (): Omit<
	Run,
	"id" | "definition" | "params" | "code" | "submissionId" | "steps" | "cells" | "dependents"
> => ({
	status: "running",
	cacheMode: "use",
	admittedAtMs: 0,
	group: "",
	timedOut: "",
	reused: new Map(),
	leftOut: new Set(),
	cellsLeft: new Map(),
	cellsOpen: new Map(),
	unsettled: 0,
	skippedBehind: new Set(),
});
