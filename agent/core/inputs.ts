/** Everything that can happen to an agent. */

import type { Failure, HeartbeatReply, Task } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import type { Capacity } from "./capacity.ts";
import type { FinishedBody, Stop } from "./state.ts";

/** How a process ended. */
export interface Exit {
	/** null when no exit record says it. */
	exitCode: number | null;
	/** "SIGKILL"; "" when it ended by itself or nobody knows. */
	signal: string;
	/** Why there is no exit record, such as a reboot; "" when there is one. */
	vanished: string;
	atMs: number;
}

/** An attempt found on disk when the agent started. */
export interface RecoveredAttempt {
	task: Task;
	/** 0 when it was not launched. */
	startedAtMs: number;
	gpuIds: string[];
	stop: Stop | null;
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
	/** `delivery` names the message, for its acknowledgement. */
	| { kind: "taskReceived"; delivery: number; task: Task }
	| { kind: "taskPersisted"; attemptId: AttemptId }
	| { kind: "taskNotPersisted"; attemptId: AttemptId; reason: string }
	| { kind: "prepared"; attemptId: AttemptId }
	| { kind: "prepareFailed"; attemptId: AttemptId; failure: Failure }
	| { kind: "launched"; attemptId: AttemptId; startedAtMs: number }
	| { kind: "launchFailed"; attemptId: AttemptId; failure: Failure }
	| { kind: "exited"; attemptId: AttemptId; exit: Exit }
	/** The outcome is on disk. */
	| { kind: "outcomeReady"; attemptId: AttemptId; outcome: FinishedBody }
	/** The time that a `wake` asked for has come. */
	| { kind: "woken"; attemptId: AttemptId }
	| { kind: "stopAsked"; leaderEpoch: number; attemptId: AttemptId; reason: string }
	| { kind: "heartbeatReplied"; reply: HeartbeatReply }
	| { kind: "drainAsked" };
