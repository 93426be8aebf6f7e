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
	/** Of the disk that holds the agent's folder; 0 asks for none. */
	diskBytes: number;
	/** What agents are said to have by name, such as licences: how many of each. */
	named: Record<string, number>;
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
	| "rejected"
	/** The step's environment, an image or packages, could not be made. */
	| "setup";

export interface Failure {
	cause: FailureCause;
	message: string;
	exitCode?: number;
	/** "" unless a signal ended it. */
	signal: string;
}

/** Packages that a step wants beside its code: made once on an agent, and shared by all that ask for the same. */
export interface StepEnvironment {
	kind: "python" | "conda" | "node";
	/** In the code tree: requirements, an environment file, or a folder with package-lock.json; "" when there is none. */
	file: string;
	/** Python's, beside those of the file. */
	packages: string[];
	/** Of the interpreter, such as "3.11"; "" takes what is there. */
	version: string;
}

/** One member of a step that runs on several agents at once. */
export interface GangPlace {
	rank: number;
	size: number;
	/** Where the members find the first of them. */
	masterAddr: string;
	masterPort: number;
}

/** What an attempt may take at most; 0 is no limit. */
export interface Limits {
	cpuMillis: number;
	memoryBytes: number;
	diskBytes: number;
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
	/** It runs in a container of this image; "" for a plain process. */
	image: string;
	/** null without one. */
	environment: StepEnvironment | null;
	limits: Limits;
	/** null for a step on one agent. */
	gang: GangPlace | null;
}

/** What an attempt took. 0 where it was not measured. */
export interface Usage {
	/** Before its command began: code, inputs, packages, image. */
	setupMs: number;
	cpuSeconds: number;
	peakMemoryBytes: number;
	/** Time that its devices were busy. */
	gpuSeconds: number;
	peakGpuMemoryBytes: number;
	/** How each limit was kept: "memory" → "cgroup v2", "watched", "container". */
	limits: Record<string, string>;
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
			/** null when nothing of it ran. */
			usage: Usage | null;
	  }
	| { kind: "attemptDeclined"; attempt: AttemptIdentity; reason: string };

export interface Report {
	/** The JetStream message id too. */
	reportId: string;
	agentId: AgentId;
	atMs: number;
	body: ReportBody;
}

/** What was decided of an agent: cordoned takes nothing new; draining is that, until all that runs there has ended. */
export type AgentMode = "open" | "cordoned" | "draining";

/** paused: it runs, but stands still while its agent is closed. */
export type AttemptPhase = "accepted" | "preparing" | "running" | "paused" | "finished";

export interface Heartbeat {
	agentId: AgentId;
	/** New at every start of the agent process. */
	sessionId: string;
	atMs: number;
	attempts: { attemptId: AttemptId; fence: number; phase: AttemptPhase }[];
	load: { load1: number; memoryAvailableBytes: number; diskAvailableBytes: number } | null;
	draining: boolean;
	/** null from an agent that does not tell: then its capacity stands. */
	usable: Usable | null;
	/** Why nothing may be placed there now, such as its owner's hours; "" when it may. */
	closed: string;
}

/** What may be placed on an agent now: its capacity, less what others on the machine use. */
export interface Usable {
	cpuMillis: number;
	memoryBytes: number;
	diskBytes: number;
	/** Devices that are not to be had in full; with a reason nobody gets them whole, without one but for this little. */
	devices: { id: string; memoryBytes: number; reason: string }[];
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
	/** It has been drained, and was asked to end itself then. */
	leave: boolean;
	/** The leader has no advert of it: it was forgotten, and is back. */
	advertise: boolean;
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
	/** The vendor's number of it, of a slice that of its device; -1 where there is none. */
	index: number;
	/** "8.0"; "" where it is not told. */
	computeCapability: string;
	/** Of a slice (MIG): the device it is a part of; "" for a whole one. */
	parent: string;
	/** Why nobody is given it, such as an Xid error; "" when it works. */
	fault: string;
}

export interface NetworkInterface {
	name: string;
	address: string;
	/** 0 where it is not told. */
	megabitsPerSecond: number;
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
	/** 0 where it is not told. */
	cpuSockets: number;
	numaNodes: number;
	swapBytes: number;
	network: NetworkInterface[];
	/** "v1", "v2"; "" without. */
	cgroup: string;
	/** Limits that this host keeps, and how: "memory" → "cgroup v2". */
	limits: Record<string, string>;
	gpus: Gpu[];
	/** "node", "python", "uv", "conda", "docker", "podman" → version. Of an engine: only where it can be used. */
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
