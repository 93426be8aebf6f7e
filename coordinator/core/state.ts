/**
 * What the coordinator knows. Runs, models and deployments are the fold of the journal (apply.ts) and nothing else;
 * agents are what adverts and heartbeats say, rebuilt from them after a restart.
 */

import type { Advert, ArtifactRef, Failure, Metric, ReplicaState } from "#shared/domain.ts";
import type { AgentId, AttemptId, RunId, StepKey } from "#shared/ids.ts";
import type { ParamValue, PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";
import type { AgentNode } from "../placement/node.ts";
import type { FinalAttemptState, FinalRunState, FinalStepState } from "./events.ts";
import { ReadyQueue } from "./ready-queue.ts";

export type StepStatus = "waiting" | "ready" | "leased" | "running" | "backoff" | FinalStepState;
export type AttemptStatus = "leased" | "running" | FinalAttemptState;
export type RunStatus = "running" | "cancelling" | FinalRunState;

export interface Attempt {
	id: AttemptId;
	number: number;
	fence: number;
	agentId: AgentId;
	status: AttemptStatus;
	leasedAtMs: number;
	/** When its task was last sent; not part of the journal. */
	sentAtMs: number;
	step: Step;
}

export interface Step {
	run: Run;
	key: StepKey;
	definition: StepDefinition;
	matrix: Record<string, ParamValue>;
	status: StepStatus;
	/** Needs, by name, that have not succeeded with all their cells. */
	unmetNeeds: number;
	/** The newest; an older one is superseded. */
	attempt: Attempt | null;
	attempts: number;
	failures: number;
	losses: number;
	readyAtMs: number;
	/** While in backoff. */
	notBeforeMs: number;
	outputs: ArtifactRef[];
	metrics: Metric[];
	failure: Failure | null;
	/** Agents that handed it back, until when not to ask them again; not part of the journal. */
	declinedUntilMs: Map<AgentId, number>;
	/** The last moves, for the story of an impossible one. */
	story: string[];
}

export interface Run {
	id: RunId;
	definition: PipelineDefinition;
	params: Record<string, ParamValue>;
	code: ArtifactRef | null;
	submissionId: string;
	status: RunStatus;
	steps: Map<StepKey, Step>;
	/** Cells of a step by its name; one without a matrix. */
	cells: Map<string, Step[]>;
	/** Cells of a step that have not succeeded, by its name. */
	cellsLeft: Map<string, number>;
	/** Cells that wait for a step, by its name. */
	dependents: Map<string, Step[]>;
	/** Steps not yet settled. */
	unsettled: number;
}

export interface ModelVersion {
	version: number;
	artifact: ArtifactRef | null;
	golden: ArtifactRef | null;
	runId: RunId;
	stepKey: StepKey;
}

export interface Replica {
	state: "pending" | ReplicaState;
	detail: string;
	endpoint: string;
}

export interface Deployment {
	name: string;
	model: string;
	version: number;
	revision: number;
	agentIds: AgentId[];
	replicas: Map<AgentId, Replica>;
	/** The deploy step that made it so. */
	runId: RunId;
	stepKey: StepKey;
	/** When the agents were last told; not part of the journal. */
	putAtMs: number;
	/** What was served in full before this; null at first. */
	previous: Pick<Deployment, "model" | "version" | "agentIds" | "runId" | "stepKey"> | null;
}

export interface Agent {
	id: AgentId;
	advert: Advert | null;
	/** Leader's clock, monotonic; the lease of all its attempts runs from here. */
	lastHeardMs: number;
	/** "" until the first heartbeat. */
	sessionId: string;
	online: boolean;
	draining: boolean;
	attempts: Set<Attempt>;
	/** Attempts that the last heartbeat should have listed and did not. */
	missing: Set<AttemptId>;
	node: AgentNode;
}

export interface MeshState {
	epoch: number;
	/** The last fence given. */
	fence: number;
	runs: Map<RunId, Run>;
	/** Runs by their submission's id, the newest last; bounded. */
	submissions: Map<string, RunId>;
	models: Map<string, ModelVersion[]>;
	deployments: Map<string, Deployment>;
	/** Attempts that may still report: live ones, and lost ones that nothing has superseded. */
	attempts: Map<AttemptId, Attempt>;
	ready: ReadyQueue;
	backoff: Set<Step>;
	agents: Map<AgentId, Agent>;
}

export const newMeshState = (): MeshState => ({
	epoch: 0,
	fence: 0,
	runs: new Map(),
	submissions: new Map(),
	models: new Map(),
	deployments: new Map(),
	attempts: new Map(),
	ready: new ReadyQueue(),
	backoff: new Set(),
	agents: new Map(),
});
