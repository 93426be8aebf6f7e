/** What an agent knows of its attempts. Changed by core.ts alone. */

import type { AttemptIdentity, Report, ReportBody, Task } from "#shared/domain.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import { type Capacity, createLedger, type Ledger } from "./capacity.ts";

export type FinishedBody = Extract<ReportBody, { kind: "attemptFinished" }>;

/**
 * accepted: taken, the task not yet on disk · preparing: code and inputs are being brought · launching: being
 * spawned · running · collecting: the process ended, its outcome is being made · finished: the outcome waits for
 * the journal.
 */
export type Phase = "accepted" | "preparing" | "launching" | "running" | "collecting" | "finished";

/** What an attempt took more of than it may: memory, disk, or something else that `reason` names. */
export type LimitCause = "oom" | "disk" | "error";

/** Why an attempt must end. Kept on disk from the first signal on, so that a restarted agent goes on with it. */
export interface Stop {
	cause: "cancelled" | "timeout" | "lost" | LimitCause;
	reason: string;
	atMs: number;
}

/** Kept on disk, for an agent that is restarted meanwhile. */
export interface Pause {
	/** Since when the attempt stands still; null while it does not. */
	sinceMs: number | null;
	/** How long it did before. */
	beforeMs: number;
}

/** Why nothing new is taken, and what becomes of what runs. */
export interface Closure {
	reason: string;
	running: "finish" | "pause" | "stop";
}

export interface Attempt {
	identity: AttemptIdentity;
	/** null for a no-op, and when finished: nothing needs it any more. */
	task: Task | null;
	phase: Phase;
	/** Messages to acknowledge once the task is on disk. */
	deliveries: number[];
	gpuIds: string[];
	/** 0 before the launch. */
	startedAtMs: number;
	/** Since when it stands still; null while it does not. */
	pausedAtMs: number | null;
	/** How long it did before. */
	pausedMs: number;
	stop: Stop | null;
	outcome: FinishedBody | null;
	/** When the outcome was last handed to the link; 0 before. */
	reportedAtMs: number;
	/** Epoch of the leader then. */
	reportedTo: number;
	/** It has a folder, to be removed in the end. */
	onDisk: boolean;
	/** The journal has its outcome already: forget it as soon as it is over. */
	settled: boolean;
}

/** Why a task of an attempt that is not here (any more) must not start. */
export type Remembered =
	| { kind: "settled" }
	| { kind: "declined"; report: Report }
	/** The stop overtook its task. */
	| { kind: "stopped"; reason: string };

export interface AgentState {
	readonly agentId: AgentId;
	readonly ledger: Ledger;
	readonly attempts: Map<AttemptId, Attempt>;
	readonly remembered: Map<AttemptId, Remembered>;
	/** Highest fence seen of each step, by run and step. */
	readonly fences: Map<string, { fence: number; attemptId: AttemptId }>;
	draining: boolean;
	/** Who wants nothing new to be taken: the owner, a failed self-check. */
	readonly closed: Map<string, Closure>;
	/** It takes one task alone. */
	readonly once: boolean;
	/** The leader has drained it, and wants it gone. */
	leaveAsked: boolean;
	/** Highest heard of. One that was deposed and does not know it is not heeded. */
	leaderEpoch: number;
}

const REMEMBERED_LIMIT = 60_000;
const FENCES_LIMIT = 60_000;

export const createState = (agentId: AgentId, capacity: Capacity, { once = false } = {}): AgentState => ({
	agentId,
	ledger: createLedger(capacity),
	attempts: new Map(),
	remembered: new Map(),
	fences: new Map(),
	draining: false,
	closed: new Map(),
	once,
	leaveAsked: false,
	leaderEpoch: 0,
});

/** Why nothing new is taken; "" when it is. */
export const closedReason = ({ closed }: AgentState): string =>
	[...closed.values()].map(({ reason }) => reason).join("; ");

export const stepOf = ({ runId, stepKey }: AttemptIdentity): string => `${runId}/${stepKey}`;

export const identityOf = ({ runId, stepKey, attemptId, fence }: Task): AttemptIdentity => ({
	runId,
	stepKey,
	attemptId,
	fence,
});

export const remember = (state: AgentState, attemptId: AttemptId, what: Remembered): void =>
	putBounded(state.remembered, attemptId, what, REMEMBERED_LIMIT);

export const noteFence = (state: AgentState, identity: AttemptIdentity): void => {
	const { attemptId, fence } = identity;
	const step = stepOf(identity);
	if ((state.fences.get(step)?.fence ?? 0) > fence) return;
	putBounded(state.fences, step, { fence, attemptId }, FENCES_LIMIT);
};

/** A map iterates in the order of insertion: the first key is the oldest. */
const putBounded = <K, V>(map: Map<K, V>, key: K, value: V, limit: number): void => {
	map.delete(key);
	map.set(key, value);
	if (map.size <= limit) return;
	for (const oldest of map.keys()) {
		map.delete(oldest);
		return;
	}
};
