/** Everything that can happen to an agent. */

import type { Failure, FailureCause, HeartbeatReply, Task, Usable } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import type { Capacity } from "./capacity.ts";
import type { Closure, FinishedBody, LimitCause, Pause, Stop } from "./state.ts";

/** How a process ended. */
export interface Exit {
	/** null when no exit record says it. */
	exitCode: number | null;
	/** "SIGKILL"; "" when it ended by itself or nobody knows. */
	signal: string;
	/** Why there is no exit record, such as a reboot; "" when there is one. */
	vanished: string;
	/** Why it failed, where something else than its exit code tells. */
	why?: { cause: FailureCause; message: string };
	atMs: number;
}

/** An attempt found on disk when the agent started. */
export interface RecoveredAttempt {
	task: Task;
	/** 0 when it was not launched. */
	startedAtMs: number;
	gpuIds: string[];
	stop: Stop | null;
	pause: Pause;
	progress: /** Nothing of it has run: it may start. */
		| { kind: "accepted" }
		/** Its process lives. */
		| { kind: "running" }
		| { kind: "exited"; exit: Exit }
		| { kind: "finished"; outcome: FinishedBody };
}

export type Input =
	| { kind: "recovered"; attempts: RecoveredAttempt[]; settled: AttemptId[] }
	| { kind: "capacityKnown"; capacity: Capacity }
	/** Of the capacity, what others on the machine leave. */
	| { kind: "usableKnown"; usable: Usable }
	/**
	 * Whoever is named by `by` wants nothing new to be taken, for this reason; "" when it does not mind any more. What
	 * runs goes on to its end, unless `running` says otherwise.
	 */
	| { kind: "closedChanged"; by: string; reason: string; running?: Closure["running"] }
	/** `delivery` names the message, for its acknowledgement. */
	| { kind: "taskReceived"; delivery: number; task: Task }
	| { kind: "taskPersisted"; attemptId: AttemptId }
	| { kind: "taskNotPersisted"; attemptId: AttemptId; reason: string }
	| { kind: "prepared"; attemptId: AttemptId }
	/** This agent is not the place for it now, and nothing of it has run. */
	| { kind: "unable"; attemptId: AttemptId; reason: string }
	| { kind: "prepareFailed"; attemptId: AttemptId; failure: Failure }
	| { kind: "launched"; attemptId: AttemptId; startedAtMs: number }
	| { kind: "launchFailed"; attemptId: AttemptId; failure: Failure }
	| { kind: "exited"; attemptId: AttemptId; exit: Exit }
	/** The outcome is on disk. */
	| { kind: "outcomeReady"; attemptId: AttemptId; outcome: FinishedBody }
	/** The time that a `wake` asked for has come. */
	| { kind: "woken"; attemptId: AttemptId }
	| { kind: "stopAsked"; leaderEpoch: number; attemptId: AttemptId; reason: string }
	/** It took more than it may: it is killed at once, and fails with this cause and reason. */
	| { kind: "limitExceeded"; attemptId: AttemptId; cause: LimitCause; reason: string }
	| { kind: "heartbeatReplied"; reply: HeartbeatReply }
	| { kind: "drainAsked" };
