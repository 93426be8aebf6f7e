/**
 * Journal events: facts, past tense. State is nothing but their fold. The same fields as proto/runmesh/journal;
 * every event carries `atMs`, the leader's time when it decided.
 */

import type { ArtifactRef, Failure, Metric, ReplicaState } from "#shared/domain.ts";
import type { AgentId, AttemptId, RunId, StepKey } from "#shared/ids.ts";

export type FinalRunState = "succeeded" | "failed" | "cancelled";
export type FinalStepState = "succeeded" | "failed" | "cancelled" | "skipped";
export type FinalAttemptState = "succeeded" | "failed" | "lost" | "cancelled" | "declined";

export interface LeaderElected {
	kind: "leaderElected";
	atMs: number;
	coordinatorId: string;
	epoch: number;
}

export interface RunSubmitted {
	kind: "runSubmitted";
	atMs: number;
	runId: RunId;
	/** Canonical JSON of a PipelineDefinition. */
	definitionJson: string;
	paramsJson: string;
	submitter: string;
	code: ArtifactRef | null;
	submissionId: string;
}

export interface RunCancelRequested {
	kind: "runCancelRequested";
	atMs: number;
	runId: RunId;
	reason: string;
}

export interface RunFinished {
	kind: "runFinished";
	atMs: number;
	runId: RunId;
	state: FinalRunState;
}

export interface AttemptLeased {
	kind: "attemptLeased";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	attemptId: AttemptId;
	attemptNumber: number;
	fence: number;
	agentId: AgentId;
}

export interface AttemptStarted {
	kind: "attemptStarted";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	attemptId: AttemptId;
}

export interface AttemptEnded {
	kind: "attemptEnded";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	attemptId: AttemptId;
	state: FinalAttemptState;
	failure: Failure | null;
	outputs: ArtifactRef[];
	metrics: Metric[];
	/** By the agent's clock; 0 when it never started. */
	startedAtMs: number;
	finishedAtMs: number;
	/** Why it was declined or cancelled. */
	reason: string;
}

/** A step's final word, with the outputs that count from now on. */
export interface StepSettled {
	kind: "stepSettled";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	state: FinalStepState;
	failure: Failure | null;
	outputs: ArtifactRef[];
	metrics: Metric[];
	/** Why it was skipped or cancelled; for `select`, what was chosen. */
	reason: string;
}

export interface StepRetryScheduled {
	kind: "stepRetryScheduled";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	notBeforeMs: number;
	reason: string;
}

export interface ModelVersionRegistered {
	kind: "modelVersionRegistered";
	atMs: number;
	model: string;
	version: number;
	artifact: ArtifactRef | null;
	golden: ArtifactRef | null;
	runId: RunId;
	stepKey: StepKey;
	metrics: Metric[];
}

/** Desired serving state of one deployment. */
export interface DeploymentChanged {
	kind: "deploymentChanged";
	atMs: number;
	deployment: string;
	model: string;
	version: number;
	agentIds: AgentId[];
	revision: number;
	runId: RunId;
	stepKey: StepKey;
}

export interface ReplicaReported {
	kind: "replicaReported";
	atMs: number;
	deployment: string;
	agentId: AgentId;
	version: number;
	state: ReplicaState;
	detail: string;
	endpoint: string;
	revision: number;
}

export type JournalEvent =
	| LeaderElected
	| RunSubmitted
	| RunCancelRequested
	| RunFinished
	| AttemptLeased
	| AttemptStarted
	| AttemptEnded
	| StepSettled
	| StepRetryScheduled
	| ModelVersionRegistered
	| DeploymentChanged
	| ReplicaReported;
