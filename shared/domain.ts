/**
 * What travels in the mesh, as the code sees it. The same shapes as proto/runmesh, with enums as short
 * words and oneofs as unions tagged by `kind`; shared/wire turns one into the other.
 */

import type { AgentId, AttemptId, Digest, RunId, StepKey } from "./ids.ts";

export interface GpuRequest {
	count: number;
	/** On each device; 0 takes whole devices. */
	memoryBytes: number;
	/** Substring of the vendor's model name; "" takes any. */
	model: string;
}

export interface Resources {
	cpuMillis: number;
	memoryBytes: number;
	gpu: GpuRequest | null;
}

export interface ArtifactRef {
	name: string;
	/** Of the manifest. */
	digest: Digest;
	sizeBytes: number;
	fileCount: number;
	/** Agents that hold the bytes, or "coordinator". */
	holders: string[];
	/** What a small output says, as JSON; only where the pipeline reads it as a value. */
	valueJson?: string;
}

/** Which files of the code an attempt read. */
export interface CodeUse {
	/** Files and links relative to the code's root, and with a "/" at the end folders that were listed; sorted. */
	paths: string[];
	/** Over the paths, their digests and the names beside them: equal when another tree looks the same to the step. */
	key: string;
	/** It read $RUNMESH_PARAMS: then all parameters count, not only those in its command and environment. */
	readsParams: boolean;
}

export interface ManifestEntry {
	/** Relative, "/"-separated, normalised, never leaving the tree. */
	path: string;
	/** "" for a symbolic link. */
	digest: Digest | "";
	sizeBytes: number;
	executable: boolean;
	/** "" unless a symbolic link. */
	linkTarget: string;
}

export interface Manifest {
	entries: ManifestEntry[];
	/** The artifact is one file: exactly one entry. */
	singleFile: boolean;
}

export interface Metric {
	name: string;
	value: number;
	step: number;
}

export type FailureCause =
	| "error"
	| "timeout"
	| "oom"
	| "output"
	| "input"
	| "launch"
	| "lost"
	| "gate"
	| "disk"
	| "serving"
	| "rejected";

export interface Failure {
	cause: FailureCause;
	message: string;
	exitCode?: number;
	/** "" unless a signal ended it. */
	signal: string;
}

export type TaskAction = { kind: "command"; command: string; shell: string[]; workdir: string } | { kind: "noop" };

export interface Task {
	runId: RunId;
	pipeline: string;
	stepKey: StepKey;
	attemptId: AttemptId;
	attemptNumber: number;
	/** Grows with every lease; the newest alone may report. */
	fence: number;
	/** Of the leader that sends it. */
	leaderEpoch: number;
	action: TaskAction;
	env: Record<string, string>;
	inputs: ArtifactRef[];
	/** `asValue`: the pipeline reads what it says, at most 64 KiB of JSON or text. */
	outputs: { name: string; path: string; asValue: boolean }[];
	resources: Resources;
	paramsJson: string;
	/** 0 is no limit. */
	timeoutMs: number;
	graceMs: number;
	code: ArtifactRef | null;
	/** The outcome tells which files of the code were read: its step may be cached. */
	trackCode: boolean;
}

export interface AttemptIdentity {
	runId: RunId;
	stepKey: StepKey;
	attemptId: AttemptId;
	fence: number;
}

export type Outcome = "succeeded" | "failed" | "cancelled";
export type ReplicaState = "loading" | "serving" | "failed";

export type ReportBody =
	| { kind: "attemptStarted"; attempt: AttemptIdentity }
	| {
			kind: "attemptFinished";
			attempt: AttemptIdentity;
			outcome: Outcome;
			failure: Failure | null;
			outputs: ArtifactRef[];
			metrics: Metric[];
			startedAtMs: number;
			finishedAtMs: number;
			logBytes: number;
			logDroppedBytes: number;
			/** null unless the task asked for it and the host can tell. */
			codeUse: CodeUse | null;
	  }
	| { kind: "attemptDeclined"; attempt: AttemptIdentity; reason: string };

export interface Report {
	/** The JetStream message id too. */
	reportId: string;
	agentId: AgentId;
	atMs: number;
	body: ReportBody;
}

export type AttemptPhase = "accepted" | "running" | "finished";

export interface Heartbeat {
	agentId: AgentId;
	/** New at every start of the agent process. */
	sessionId: string;
	atMs: number;
	attempts: { attemptId: AttemptId; fence: number; phase: AttemptPhase }[];
	load: { load1: number; memoryAvailableBytes: number; diskAvailableBytes: number } | null;
	draining: boolean;
}

export interface StopAttempt {
	attemptId: AttemptId;
	reason: string;
}

export interface HeartbeatReply {
	/** An agent heeds no leader older than the newest it has heard of. */
	leaderEpoch: number;
	stop: StopAttempt[];
	/** Outcomes the journal has: the agent may forget these attempts. */
	settled: AttemptId[];
}

export interface Control {
	leaderEpoch: number;
	stop: StopAttempt[];
}

export interface Gpu {
	id: string;
	vendor: string;
	model: string;
	memoryBytes: number;
	driver: string;
}

export interface Fingerprint {
	hostname: string;
	os: string;
	arch: string;
	kernel: string;
	cpuModel: string;
	cpuCores: number;
	memoryBytes: number;
	diskBytes: number;
	gpus: Gpu[];
	runtimes: Record<string, string>;
	problems: Record<string, string>;
}

/** What an agent serves, as its advert says. */
export interface ReplicaStatus {
	deployment: string;
	version: number;
	/** Of the desired state this answers. */
	revision: number;
	state: ReplicaState;
	/** Why it failed, or what validation measured. */
	detail: string;
	/** http://host:port of the V2 endpoint. */
	endpoint: string;
}

export interface Advert {
	agentId: AgentId;
	name: string;
	version: string;
	labels: Record<string, string>;
	fingerprint: Fingerprint | null;
	capacity: Resources | null;
	endpoints: { grpc: string; serving: string } | null;
	cordoned: boolean;
	atMs: number;
	replicas: ReplicaStatus[];
}

export interface DesiredReplica {
	deployment: string;
	/** The name V2 clients ask for. */
	model: string;
	version: number;
	artifact: ArtifactRef | null;
	/** null skips the comparison with golden vectors. */
	golden: ArtifactRef | null;
	revision: number;
}

export interface DesiredServing {
	replicas: DesiredReplica[];
}
