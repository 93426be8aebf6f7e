/**
 * The HTTP API's resources (contract: `-o json` prints these, camelCase). Times are milliseconds since the epoch,
 * null where not yet. Everything under /api/v1 wants `authorization: Bearer <token>`.
 *
 *   POST /api/v1/runs                       SubmitRequest → RunDetail (201; 200 when submissionId is known)
 *   POST /api/v1/plan                       SubmitRequest → PlanView
 *   GET  /api/v1/runs?state=&pipeline=&submitter=&search=&since=&until=&limit=&before=   Page<RunSummary>, newest first;
 *        search is in ids, pipelines, submitters and parameters; since and until are milliseconds since the epoch
 *   GET  /api/v1/runs/:run                  RunDetail (:run may be a unique prefix, or "latest")
 *   POST /api/v1/runs/:run/cancel           CancelRequest → RunDetail
 *   POST /api/v1/runs/:run/retry            RetryRequest → RunDetail of the new run (201)
 *   POST /api/v1/runs/:run/steps/:step/cancel    CancelRequest → RunDetail
 *   POST /api/v1/runs/:run/steps/:step/approve   ApprovalRequest → RunDetail
 *   GET  /api/v1/runs/:run/explain?step=&attempt=   ExplainView
 *   GET  /api/v1/runs/:run/steps/:step/logs?follow=&attempt=&since=   NDJSON of LogRecord; :step is a step key or "*";
 *        follow=true ends when the run has, with blank lines while idle; since is in milliseconds since the epoch
 *   GET  /api/v1/runs/:run/metrics?name=    MetricSeries[]
 *   GET  /api/v1/runs/:run/artifacts        ArtifactView[]
 *   GET  /api/v1/artifacts/:digest          ManifestView; once it answers, the artifact's blobs are on the coordinator
 *   GET  /api/v1/blobs/:digest              bytes (fetched from a holder when not here)
 *   PUT  /api/v1/blobs/:digest              bytes → 201, 204 when already here
 *   POST /api/v1/blobs/missing              {digests} → {missing}
 *   GET  /api/v1/agents, /api/v1/agents/:agent          AgentView[], AgentView
 *   POST /api/v1/agents/:agent/cordon, …/uncordon, …/drain   AgentModeRequest → AgentView
 *   DELETE /api/v1/agents/:agent           forgets one that is lost (204)
 *   POST /api/v1/join-tokens                JoinTokenRequest → JoinTokenView with its `token` (201)
 *   GET  /api/v1/join-tokens                JoinTokenView[]
 *   DELETE /api/v1/join-tokens/:id          revokes it (204)
 *   POST /api/v1/join                       JoinRequest → JoinGrant; the token in it is all the right that it needs
 *   GET  /api/v1/models, /api/v1/models/:model          ModelView[], ModelView
 *   GET  /api/v1/deployments                DeploymentView[]
 *   GET  /api/v1/events?run=                SSE; id = "<sequence>.<index>", data = EventView; Last-Event-ID resumes;
 *        without it a run's events come from its start, the mesh's from now
 *   GET  /api/v1/openapi.json               OpenAPI 3.1
 *   GET  /healthz /readyz /metrics          open: no token
 *
 * Errors are application/problem+json: ProblemView.
 */

import type { ArtifactRef, Failure, Fingerprint, Metric, ReplicaStatus, Resources, Usable, Usage } from "./domain.ts";
import type { ErrorCode } from "./errors.ts";
import type { ParamValue, PipelineProblem } from "./pipeline/definition.ts";

export interface SubmitRequest {
	/** The pipeline file's text. */
	pipeline: string;
	/** Its name, for messages. */
	file: string;
	/** Values given as text are read by the parameter's type. */
	params: Record<string, ParamValue>;
	/** Manifest of the submitter's files, already uploaded. */
	code: ArtifactRef | null;
	/** The same id twice is one run. */
	submissionId: string;
	/** Texts of sub-pipelines that the file names, by their paths relative to it. */
	files: Record<string, string>;
	/** Whether steps with `cache` take recorded results; refresh runs them and records anew. */
	cache: "use" | "refresh" | "off";
	/** null runs every step. */
	reuse: ReuseRequest | null;
}

/** Which results of an earlier run are taken, and which steps are run. */
export interface ReuseRequest {
	/** An id, a unique prefix, or "latest": the newest of the same pipeline. */
	run: string;
	/** failed: those that did not succeed; from: the steps named and all behind them; only: the steps named and no other. */
	mode: "failed" | "from" | "only";
	/** Names; [] with `failed`. */
	steps: string[];
}

export interface CancelRequest {
	reason: string;
}

export interface RetryRequest {
	/** true takes what succeeded; false runs everything again. */
	failedOnly: boolean;
	submissionId: string;
}

export interface ApprovalRequest {
	approved: boolean;
	comment: string;
}

export type RunState = "queued" | "running" | "cancelling" | "succeeded" | "failed" | "cancelled";
export type StepState =
	| "waiting"
	| "ready"
	| "leased"
	| "running"
	| "backoff"
	/** Waits for a person. */
	| "held"
	| "succeeded"
	| "failed"
	| "cancelled"
	| "skipped";
export type AttemptState = "leased" | "running" | "succeeded" | "failed" | "lost" | "cancelled" | "declined";

export interface RunSummary {
	id: string;
	pipeline: string;
	state: RunState;
	submitter: string;
	submittedAtMs: number;
	finishedAtMs: number | null;
	/** Why it waits, or did not succeed where no step says so; "" when there is nothing to say. */
	reason: string;
	/** The run it repeats or takes results from. */
	basedOn: string | null;
	steps: { total: number; succeeded: number; failed: number; running: number };
}

export interface AttemptView {
	id: string;
	number: number;
	state: AttemptState;
	agent: string;
	leasedAtMs: number;
	startedAtMs: number | null;
	finishedAtMs: number | null;
	failure: Failure | null;
	/** Why it was declined or cancelled. */
	reason: string;
	/** Of a step on several agents: the others, by rank from 1. */
	members: string[];
	/** What it took; null while it runs, and when nothing of it ran. */
	usage: Usage | null;
}

export interface StepView {
	key: string;
	name: string;
	/** Values of the matrix cell; {} without one. */
	matrix: Record<string, ParamValue>;
	needs: string[];
	state: StepState;
	/** Why it waits, was skipped, was cancelled, or what select chose; "" when there is nothing to say. */
	reason: string;
	failure: Failure | null;
	readyAtMs: number | null;
	startedAtMs: number | null;
	finishedAtMs: number | null;
	outputs: ArtifactRef[];
	/** Last values. */
	metrics: Metric[];
	/** Where the results come from, when the step did not run. */
	takenFrom: { run: string; step: string } | null;
	attempts: AttemptView[];
}

export interface RunDetail extends RunSummary {
	params: Record<string, ParamValue>;
	stepList: StepView[];
}

export interface Page<T> {
	items: T[];
	/** Pass as `before` for the next page; null at the end. */
	next: string | null;
}

export interface LogRecord {
	step: string;
	attempt: number;
	/** Of a step on several agents: whose output it is. */
	rank?: number;
	stream: "stdout" | "stderr";
	atMs: number;
	/** Of the first byte in its stream. */
	offset: number;
	/** UTF-8; bytes that are not are replaced, see `base64`. */
	text: string;
	/** The exact bytes, present only where `text` is not exact. */
	base64?: string;
	/** Bytes lost to the log limit just before this record. */
	droppedBytes?: number;
}

export interface MetricSeries {
	step: string;
	attempt: number;
	name: string;
	points: { step: number; value: number; atMs: number }[];
}

export interface ArtifactView extends ArtifactRef {
	run: string;
	step: string;
}

export interface ManifestView {
	digest: string;
	singleFile: boolean;
	files: { path: string; digest: string; sizeBytes: number; executable: boolean; linkTarget: string }[];
}

export interface AgentView {
	id: string;
	name: string;
	/**
	 * online: a heartbeat within the lease; lost: none; closed: its owner, or a fault, keeps it from taking work; drained:
	 * nothing runs there any more.
	 */
	state: "online" | "lost" | "closed" | "cordoned" | "draining" | "drained";
	/** Why it takes nothing new; "" when it does. */
	closed: string;
	/** Who cordoned or drained it, and why; null when nobody did. */
	cordon: { reason: string; by: string; sinceMs: number } | null;
	version: string;
	labels: Record<string, string>;
	fingerprint: Fingerprint | null;
	capacity: Resources | null;
	/** Of the capacity, what others on the machine leave; null where the agent does not tell. */
	usable: Usable | null;
	free: Resources | null;
	/** Its GPUs and what is free on each, with the reason where one is held. */
	devices: { id: string; model: string; memoryBytes: number; freeBytes: number; attempts: number; reason: string }[];
	attempts: string[];
	replicas: ReplicaStatus[];
	endpoints: { grpc: string; serving: string } | null;
	lastHeartbeatAtMs: number | null;
}

export interface AgentModeRequest {
	reason: string;
	/** Drained, the agent ends itself; only with `drain`. */
	leave?: boolean;
}

export interface JoinTokenRequest {
	/** How long it can be used. */
	ttlMs: number;
	/** How many machines may use it. */
	uses: number;
}

export interface JoinTokenView {
	id: string;
	expiresAtMs: number;
	uses: number;
	used: number;
	by: string;
	/** Hosts that used it. */
	hosts: string[];
	/** The secret itself: only in the answer that made it. */
	token?: string;
}

export interface JoinRequest {
	token: string;
	/** The machine's own name, for the record. */
	host: string;
}

/** What a machine needs to start an agent. Addresses on which the coordinator listens only itself are left as they are. */
export interface JoinGrant {
	nats: string[];
	/** host:port of the coordinator's gRPC. */
	coordinator: string;
	credentials: { apiToken: string; inferenceToken: string; meshToken: string; natsUser: string; natsPassword: string };
}

export interface ModelVersionView {
	version: number;
	state: "registered" | "validated" | "serving" | "failed" | "retired";
	digest: string;
	sizeBytes: number;
	run: string;
	step: string;
	metrics: Metric[];
	registeredAtMs: number;
}

export interface ModelView {
	name: string;
	versions: ModelVersionView[];
}

export interface DeploymentView {
	name: string;
	model: string;
	version: number;
	revision: number;
	run: string;
	replicas: {
		agent: string;
		version: number;
		state: "pending" | "loading" | "serving" | "failed";
		detail: string;
		endpoint: string;
	}[];
}

export interface PlanStepView {
	key: string;
	matrix: Record<string, ParamValue>;
	needs: string[];
	resources: Resources;
	/** Agent it would go to on the mesh as it is now, of several the first; null when none fits, or too few do. */
	agent: string | null;
	/** All of them, by rank; [] when none fits. */
	agents: string[];
	/** For each agent that does not fit, the first reason. */
	rejected: { agent: string; reason: string }[];
}

export interface PlanView {
	pipeline: string;
	params: Record<string, ParamValue>;
	steps: PlanStepView[];
}

/** One journal event, for progress. `kind` is the event's name in proto/runmesh/journal. */
export interface EventView {
	/** "<journal sequence>.<index in its batch>" */
	id: string;
	atMs: number;
	kind: string;
	run: string | null;
	step: string | null;
	/** The event's own fields. */
	data: Record<string, unknown>;
}

/** Why a run, a step or an attempt is as it is: from the journal, and for what waits from the mesh as it is now. */
export interface ExplainView {
	subject: "run" | "step" | "attempt";
	id: string;
	state: string;
	sinceMs: number | null;
	/** One sentence. */
	summary: string;
	/** What holds it up; [] when nothing does. */
	waits: WaitView[];
	/** What the cache said; null when it was not asked. */
	cache: { hit: boolean; source: { run: string; step: string } | null; reason: string } | null;
	/** What happened, oldest first, in words. */
	story: { eventId: string; atMs: number; kind: string; text: string }[];
	/** What to do about it; [] when there is nothing to say. */
	hints: string[];
}

export interface WaitView {
	for:
		| "needs"
		| "condition"
		| "capacity"
		| "agents"
		| "concurrency"
		| "approval"
		| "retry"
		| "cache"
		| "admission"
		| "end";
	/** In words: what it needs, what blocks it. */
	what: string;
	sinceMs: number | null;
	/** Steps, runs, agents that hold it up. */
	blockers: { kind: "step" | "run" | "agent"; id: string; reason: string }[];
}

export interface ProblemView {
	type: "about:blank";
	title: string;
	status: number;
	code: ErrorCode;
	detail: string;
	hint?: string;
	problems?: PipelineProblem[];
}
