/** Everything the core may ask of the shell. */

import type { Failure, Report, Task } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import type { Exit } from "./inputs.ts";
import type { Pause, Stop } from "./state.ts";

/** What an outcome is made from. */
export type Ending =
	| { kind: "exited"; exit: Exit; stop: Stop | null; startedAtMs: number }
	/** Nothing of it ran. */
	| { kind: "unstarted"; outcome: "cancelled" | "failed"; failure: Failure | null; atMs: number };

export type Command =
	/** The message need not come again. */
	| { kind: "acknowledge"; delivery: number }
	/** Put the task on disk → taskPersisted, taskNotPersisted. */
	| { kind: "persist"; task: Task }
	/** Bring code, inputs and what it runs in → prepared, prepareFailed, unable. */
	| { kind: "prepare"; task: Task }
	/** Stop preparing → prepareFailed, or prepared when it was just done. */
	| { kind: "abortPrepare"; attemptId: AttemptId }
	/** Start the process → launched, launchFailed; later exited. */
	| { kind: "launch"; task: Task; gpuIds: string[] }
	/** Follow a process that an earlier agent launched → exited. */
	| { kind: "follow"; task: Task; startedAtMs: number }
	/** To the whole process group. The stop is on disk before the signal is sent. */
	| { kind: "signal"; attemptId: AttemptId; signal: "SIGTERM" | "SIGKILL"; stop: Stop }
	/** All its processes stand still; `pause` is on disk before the first does. */
	| { kind: "pause"; attemptId: AttemptId; pause: Pause }
	/** They go on; `pause` is on disk once they do. */
	| { kind: "resume"; attemptId: AttemptId; pause: Pause }
	/** → woken. Replaces an earlier one of the same attempt. */
	| { kind: "wake"; attemptId: AttemptId; atMs: number }
	/** End what is left of it, take its outputs and metrics, put the outcome on disk → outcomeReady. */
	| { kind: "collect"; task: Task; ending: Ending }
	/** Send until it arrived; the same report again while it is under way is one. */
	| { kind: "report"; report: Report }
	/** Settled: remember the id, ship the rest of its logs, remove its folder. */
	| { kind: "forget"; attemptId: AttemptId }
	/** Handed back: remove its folder. */
	| { kind: "discard"; attemptId: AttemptId };
