/**
 * Journal events: facts, past tense. State is nothing but their fold. The same fields as proto/runmesh/journal;
 * every event carries `atMs`, the leader's time when it decided.
 */

import type { AgentMode, ArtifactRef, CodeUse, Failure, Metric, ReplicaState, Usage } from "#shared/domain.ts";
import type { AgentId, AttemptId, Digest, RunId, StepKey } from "#shared/ids.ts";

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
	/** Steps whose results come from an earlier run. */
	reused: ReusedStep[];
	/** Names of steps that were not asked for. */
	leftOut: string[];
	cacheMode: CacheMode;
	/** The run it repeats or takes results from; "" when none. */
	basedOn: RunId | "";
}

export interface ReusedStep {
	stepKey: StepKey;
	/** The cell's values, canonical JSON: a cell of other values is not the same. */
	matrixJson: string;
	runId: RunId;
	outputs: ArtifactRef[];
	metrics: Metric[];
}

export type CacheMode = "use" | "refresh" | "off";

/** A run that waited for its concurrency group goes ahead. */
export interface RunAdmitted {
	kind: "runAdmitted";
	atMs: number;
	runId: RunId;
}

export interface RunTimedOut {
	kind: "runTimedOut";
	atMs: number;
	runId: RunId;
	reason: string;
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
	/** Why it did not succeed, where no step says so. */
	reason: string;
}

export interface AttemptLeased {
	kind: "attemptLeased";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	attemptId: AttemptId;
	attemptNumber: number;
	fence: number;
	/** Of a step on several agents: the first of them. */
	agentId: AgentId;
	/** The others, by rank from 1. */
	memberIds: AgentId[];
	/** Where the members find the first of them; "" for a step on one agent. */
	masterAddr: string;
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
	codeUse: CodeUse | null;
	usage: Usage | null;
}

/** One of the agents of a step on several has done its part; the attempt goes on. */
export interface AttemptMemberEnded {
	kind: "attemptMemberEnded";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	attemptId: AttemptId;
	rank: number;
	/** The step's, from the first of them; [] from the others. */
	outputs: ArtifactRef[];
	metrics: Metric[];
	startedAtMs: number;
	finishedAtMs: number;
	usage: Usage | null;
}

/** A step's `if` holds. */
export interface StepReadied {
	kind: "stepReadied";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	/** What the condition found. */
	reason: string;
}

/** The cells of a matrix that an earlier step's output gave; `stepKey` is the step's name. */
export interface MatrixExpanded {
	kind: "matrixExpanded";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	/** A list of the cells' values. */
	cellsJson: string;
}

export interface ApprovalRequested {
	kind: "approvalRequested";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	message: string;
}

export interface ApprovalAnswered {
	kind: "approvalAnswered";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	approved: boolean;
	by: string;
	comment: string;
}

export interface StepCancelRequested {
	kind: "stepCancelRequested";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	reason: string;
}

/** What the cache said of a step. */
export interface CacheChecked {
	kind: "cacheChecked";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	hit: boolean;
	/** Where the results come from, or whose were nearest; "" when there are none. */
	sourceRunId: RunId | "";
	sourceStepKey: StepKey | "";
	/** What differs from the nearest. */
	reason: string;
}

/** A result that later steps may take. */
export interface CacheRecorded {
	kind: "cacheRecorded";
	atMs: number;
	runId: RunId;
	stepKey: StepKey;
	/** Over all parts but the code and the parameters. */
	key: string;
	/** Canonical JSON of CacheParts (cache-key.ts), long ones by digest. */
	partsJson: string;
	codeDigest: Digest | "";
	codeUse: CodeUse | null;
	paramsDigest: string;
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

export interface AgentModeChanged {
	kind: "agentModeChanged";
	atMs: number;
	agentId: AgentId;
	mode: AgentMode;
	reason: string;
	by: string;
	/** Drained, the agent ends itself. */
	leave: boolean;
}

/** One that is lost, and is not waited for any more. */
export interface AgentForgotten {
	kind: "agentForgotten";
	atMs: number;
	agentId: AgentId;
	by: string;
}

/** A machine that brings the secret behind this hash may join. */
export interface JoinTokenIssued {
	kind: "joinTokenIssued";
	atMs: number;
	tokenId: string;
	/** SHA-256, hexadecimal. */
	secretHash: string;
	expiresAtMs: number;
	uses: number;
	by: string;
}

export interface JoinTokenUsed {
	kind: "joinTokenUsed";
	atMs: number;
	tokenId: string;
	host: string;
	/** Tells the one who asked whether it was he who got it. */
	useId: string;
}

export interface JoinTokenRevoked {
	kind: "joinTokenRevoked";
	atMs: number;
	tokenId: string;
	by: string;
}

export type JournalEvent =
	| LeaderElected
	| RunSubmitted
	| RunCancelRequested
	| RunFinished
	| AttemptLeased
	| AttemptStarted
	| AttemptEnded
	| AttemptMemberEnded
	| StepSettled
	| StepRetryScheduled
	| RunAdmitted
	| RunTimedOut
	| StepReadied
	| MatrixExpanded
	| ApprovalRequested
	| ApprovalAnswered
	| StepCancelRequested
	| CacheChecked
	| CacheRecorded
	| ModelVersionRegistered
	| DeploymentChanged
	| ReplicaReported
	| AgentModeChanged
	| AgentForgotten
	| JoinTokenIssued
	| JoinTokenUsed
	| JoinTokenRevoked;
