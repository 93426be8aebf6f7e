/**
 * What the coordinator knows. Runs, models, deployments, recorded results and what people have decided of agents are
 * the fold of the journal (apply.ts) and nothing else; agents are what adverts and heartbeats say, rebuilt from them
 * after a restart.
 */

import type { Advert, AgentMode, ArtifactRef, Failure, Metric, ReplicaState, Usage } from "#shared/domain.ts";
import type { AgentId, AttemptId, RunId, StepKey } from "#shared/ids.ts";
import type { ParamValue, PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";
import type { AgentNode } from "../placement/node.ts";
import type { CacheMode, FinalAttemptState, FinalRunState, FinalStepState, ReusedStep } from "./events.ts";
import { ReadyQueue } from "./ready-queue.ts";
import { type CacheEntry, ResultCache } from "./result-cache.ts";

export type StepStatus = "waiting" | "ready" | "held" | "leased" | "running" | "backoff" | FinalStepState;
export type AttemptStatus = "leased" | "running" | FinalAttemptState;
export type RunStatus = "queued" | "running" | "cancelling" | FinalRunState;

export interface Attempt {
	id: AttemptId;
	number: number;
	fence: number;
	/** The first member's. */
	agentId: AgentId;
	/** By rank; of a step on one agent there is one. */
	members: Member[];
	/** Where the members find the first of them; "" for a step on one agent. */
	masterAddr: string;
	/** What the first has left while others go on. */
	result: MemberResult | null;
	/** What those that are done took. */
	used: Usage | null;
	status: AttemptStatus;
	leasedAtMs: number;
	step: Step;
}

/** An attempt's part on one agent. */
export interface Member {
	/** By which its agent knows it; the first goes by the attempt's. */
	id: AttemptId;
	agentId: AgentId;
	/** Its part is done, and the journal has it. */
	ended: boolean;
	/** Its agent has said that it runs; not part of the journal. */
	started: boolean;
	/** When its task was last sent; not part of the journal. */
	sentAtMs: number;
}

export interface MemberResult {
	outputs: ArtifactRef[];
	metrics: Metric[];
	startedAtMs: number;
}

export interface ApprovalAnswer {
	approved: boolean;
	by: string;
	comment: string;
}

export interface Step {
	run: Run;
	/** Of a matrix that has not been expanded yet: the step's name. */
	key: StepKey;
	definition: StepDefinition;
	matrix: Record<string, ParamValue>;
	status: StepStatus;
	/** Stands for the cells of a matrix that an earlier step's output will give. */
	isTemplate: boolean;
	/** Needs, by name, that have not succeeded with all their cells. */
	unmetNeeds: number;
	/** Needs, by name, of which a cell has not settled. */
	openNeeds: number;
	/** The newest; an older one is superseded. */
	attempt: Attempt | null;
	attempts: number;
	failures: number;
	losses: number;
	readyAtMs: number;
	/** When it came to its status. */
	sinceMs: number;
	/** While in backoff. */
	notBeforeMs: number;
	outputs: ArtifactRef[];
	metrics: Metric[];
	failure: Failure | null;
	/** Why it is to be cancelled; "" when it is not. */
	cancelReason: string;
	/** What a person said to it; null when it was not asked for, or nobody has. */
	answer: ApprovalAnswer | null;
	/** Its concurrency group; "" without one. */
	group: string;
	/** The cache was asked, in vain: it runs. */
	cacheMissed: boolean;
	/** Recorded results whose code is being compared; not part of the journal. */
	compared: CacheEntry[] | null;
	/** Agents that handed it back, until when not to ask them again; not part of the journal. */
	declinedUntilMs: Map<AgentId, number> | null;
	/** The last moves, for the story of an impossible one. */
	story: StepStatus[];
}

export interface Run {
	id: RunId;
	definition: PipelineDefinition;
	params: Record<string, ParamValue>;
	code: ArtifactRef | null;
	submissionId: string;
	status: RunStatus;
	cacheMode: CacheMode;
	/** Since when it may run: its timeout counts from here. 0 while queued. */
	admittedAtMs: number;
	/** Its concurrency group; "" without one. */
	group: string;
	/** Why it is being stopped as failed; "" when it is not. */
	timedOut: string;
	/** Results of an earlier run, until their steps have settled with them. */
	reused: Map<StepKey, ReusedStep>;
	/** Names of steps that were not asked for. */
	leftOut: Set<string>;
	steps: Map<StepKey, Step>;
	/** Cells of a step by its name; one without a matrix. */
	cells: Map<string, Step[]>;
	/** Cells of a step that have not succeeded, by its name. */
	cellsLeft: Map<string, number>;
	/** Cells of a step that have not settled, by its name. */
	cellsOpen: Map<string, number>;
	/** Cells that wait for a step, by its name. */
	dependents: Map<string, Step[]>;
	/** Steps not yet settled. */
	unsettled: number;
	/** Steps, by name, whose dependents have been skipped; not part of the journal. */
	skippedBehind: Set<string>;
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
	/** How many agents shall serve it: for a while there are more, when some of them drain. */
	wanted: number;
	/** The deploy step that made it so. */
	runId: RunId;
	stepKey: StepKey;
	/** When the agents were last told; not part of the journal. */
	putAtMs: number;
	/** What was served in full before this; null at first. */
	previous: Pick<Deployment, "model" | "version" | "agentIds" | "wanted" | "runId" | "stepKey"> | null;
}

export interface Cordon {
	mode: Exclude<AgentMode, "open">;
	reason: string;
	by: string;
	sinceMs: number;
	/** Once drained, it ends itself. */
	leave: boolean;
}

export interface JoinToken {
	/** SHA-256 of the secret, hexadecimal. */
	secretHash: string;
	expiresAtMs: number;
	/** How many machines may use it. */
	uses: number;
	by: string;
	used: { useId: string; host: string }[];
}

export interface Agent {
	id: AgentId;
	advert: Advert | null;
	/** Leader's clock, monotonic. */
	lastHeardMs: number;
	/** By the same clock: the lease of all its attempts runs from here. */
	leaseFromMs: number;
	/** "" until the first heartbeat. */
	sessionId: string;
	online: boolean;
	draining: boolean;
	/** Why it takes nothing by its own word, such as its owner's hours; "" when it does. Of its last heartbeat. */
	ownReason: string;
	/** What a person has decided of it, by the journal; null while it is open. */
	cordon: Cordon | null;
	attempts: Set<Attempt>;
	/** Attempts that the last heartbeat should have listed and did not. */
	missing: Set<AttemptId>;
	/** By its last heartbeat: their code, inputs, packages or image are being brought. */
	preparing: ReadonlySet<AttemptId>;
	/** Those that stand still while it is closed. */
	paused: ReadonlySet<AttemptId>;
	/** Members of gangs that are over, which it has yet to stop, and their steps; not part of the journal. */
	stopping: Map<AttemptId, Step>;
	node: AgentNode;
}

export interface MeshState {
	epoch: number;
	/** The last fence given. */
	fence: number;
	/** Of the last event: no leader's time goes behind it. */
	lastEventAtMs: number;
	runs: Map<RunId, Run>;
	/** Runs by their submission's id, the newest last; bounded. */
	submissions: Map<string, RunId>;
	models: Map<string, ModelVersion[]>;
	deployments: Map<string, Deployment>;
	/** Attempts that may still report, by the ids of all their members: live ones, and lost ones that nothing has superseded. */
	attempts: Map<AttemptId, Attempt>;
	ready: ReadyQueue;
	backoff: Set<Step>;
	held: Set<Step>;
	/** Runs of each concurrency group that are not over, in the order they came. */
	runGroups: Map<string, Set<Run>>;
	/** Steps of each concurrency group that are leased, running or held. */
	stepGroups: Map<string, Set<Step>>;
	results: ResultCache;
	/** The step that runs for all that are equal to it (cached.ts), by key; not part of the journal. */
	runners: Map<string, Step>;
	agents: Map<AgentId, Agent>;
	/** By their id: those that have not expired, or were issued after. */
	joinTokens: Map<string, JoinToken>;
}

export const newMeshState = (): MeshState => ({
	epoch: 0,
	fence: 0,
	lastEventAtMs: 0,
	runs: new Map(),
	submissions: new Map(),
	models: new Map(),
	deployments: new Map(),
	attempts: new Map(),
	ready: new ReadyQueue(),
	backoff: new Set(),
	held: new Set(),
	runGroups: new Map(),
	stepGroups: new Map(),
	results: new ResultCache(),
	runners: new Map(),
	agents: new Map(),
	joinTokens: new Map(),
});

/** Leased to an agent that has not ended it, or is not known to have. */
export const isLive = (status: AttemptStatus): status is "leased" | "running" =>
	status === "leased" || status === "running";

export const liveAttempt = ({ attempt }: Step): Attempt | null => (attempt && isLive(attempt.status) ? attempt : null);
