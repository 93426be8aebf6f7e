/** Every legal move of a run, a step and an attempt. An impossible one is a defect and throws with the step's story. */

import type { AttemptStatus, RunStatus, StepStatus } from "./state.ts";

export const stepMoves: Readonly<Record<StepStatus, readonly StepStatus[]>> = {
	// To succeeded: its result comes from an earlier run. To failed: its matrix can't be made.
	waiting: ["ready", "succeeded", "failed", "skipped", "cancelled"],
	// To backoff: a lost attempt's late failure. To skipped: its run's time is up.
	ready: ["leased", "running", "held", "backoff", "succeeded", "failed", "skipped", "cancelled"],
	held: ["succeeded", "failed", "cancelled"],
	leased: ["running", "backoff", "succeeded", "failed", "cancelled"],
	running: ["backoff", "succeeded", "failed", "cancelled"],
	// A late result, or a sign of life, of a lost attempt that nothing has superseded is taken.
	backoff: ["ready", "running", "succeeded", "failed", "cancelled", "backoff"],
	succeeded: [],
	failed: [],
	cancelled: [],
	skipped: [],
};

export const attemptMoves: Readonly<Record<AttemptStatus, readonly AttemptStatus[]>> = {
	leased: ["running", "succeeded", "failed", "lost", "cancelled", "declined"],
	running: ["succeeded", "failed", "lost", "cancelled"],
	// To lost: its agent says so too, and nothing is to be heard of it any more.
	lost: ["running", "succeeded", "failed", "cancelled", "lost"],
	succeeded: [],
	failed: [],
	cancelled: [],
	declined: [],
};

export const runMoves: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
	// To cancelled: each of its steps was.
	queued: ["running", "cancelling", "cancelled"],
	running: ["cancelling", "succeeded", "failed", "cancelled"],
	cancelling: ["cancelled", "succeeded", "failed"],
	succeeded: [],
	failed: [],
	cancelled: [],
};

/** Throws unless `moves` allows it; `story` tells how it came to this. */
export const assertMove = <S extends string>(
	moves: Readonly<Record<S, readonly S[]>>,
	subject: string,
	from: S,
	to: S,
	story: readonly string[] = [],
): void => {
	if (moves[from].includes(to)) return;
	throw new Error(`impossible move of ${subject}: ${from} → ${to}; before: ${story.join(" · ") || "nothing"}`);
};

export const isSettled = (status: StepStatus): boolean => stepMoves[status].length === 0;
