/** The fields that each resource of the API has, no more and no fewer: what `-o json` must print. */

import { expect } from "vitest";
import type {
	AgentView,
	ArtifactView,
	AttemptView,
	DeploymentView,
	ExplainView,
	LogRecord,
	ModelVersionView,
	ModelView,
	PlanStepView,
	PlanView,
	RunDetail,
	RunSummary,
	StepView,
} from "#shared/api.ts";
import type { ArtifactRef, Fingerprint, Resources } from "#shared/domain.ts";

/** The compiler sees to it that no field is missing and none is made up. */
type Shape<T> = { [Field in keyof T]-?: unknown };

const text: unknown = expect.any(String);
const number: unknown = expect.any(Number);
const list: unknown = expect.any(Array);
const object: unknown = expect.any(Object);
const orNull = (shape: unknown): unknown => expect.toBeOneOf([shape, null]);

const stepCounts: Shape<RunSummary["steps"]> = { total: number, succeeded: number, failed: number, running: number };

export const runSummaryShape: Shape<RunSummary> = {
	id: expect.stringMatching(/^r/),
	pipeline: text,
	state: text,
	submitter: text,
	submittedAtMs: number,
	finishedAtMs: orNull(number),
	reason: text,
	basedOn: orNull(text),
	steps: stepCounts,
};

export const runDetailShape: Shape<RunDetail> = { ...runSummaryShape, params: object, stepList: list };

export const stepShape: Shape<StepView> = {
	key: text,
	name: text,
	matrix: object,
	needs: list,
	state: text,
	reason: text,
	failure: orNull(object),
	readyAtMs: orNull(number),
	startedAtMs: orNull(number),
	finishedAtMs: orNull(number),
	outputs: list,
	metrics: list,
	takenFrom: orNull(object),
	attempts: list,
};

export const attemptShape: Shape<AttemptView> = {
	id: text,
	number: number,
	state: text,
	agent: text,
	leasedAtMs: number,
	startedAtMs: orNull(number),
	finishedAtMs: orNull(number),
	failure: orNull(object),
	reason: text,
	members: list,
	usage: orNull(object),
};

export const explainShape: Shape<ExplainView> = {
	subject: text,
	id: text,
	state: text,
	sinceMs: orNull(number),
	summary: text,
	waits: list,
	cache: orNull(object),
	story: list,
	hints: list,
};

const digest: unknown = expect.stringMatching(/^sha256:[0-9a-f]{64}$/);

/** Of one that no expression reads: without its value. */
const artifactRefShape: Shape<Omit<ArtifactRef, "valueJson">> = {
	name: text,
	digest,
	sizeBytes: number,
	fileCount: number,
	holders: list,
};

export const artifactShape: Shape<Omit<ArtifactView, "valueJson">> = { ...artifactRefShape, run: text, step: text };

/** Of a log that is exact as text and lost nothing. */
export const logRecordShape: Shape<Omit<LogRecord, "base64" | "droppedBytes" | "rank">> = {
	step: text,
	attempt: number,
	stream: text,
	atMs: number,
	offset: number,
	text,
};

const resourcesShape: Shape<Resources> = {
	cpuMillis: number,
	memoryBytes: number,
	gpu: orNull(object),
	diskBytes: number,
	named: object,
};

const fingerprintShape: Shape<Fingerprint> = {
	hostname: text,
	os: text,
	arch: text,
	kernel: text,
	cpuModel: text,
	cpuCores: number,
	memoryBytes: number,
	diskBytes: number,
	cpuSockets: number,
	numaNodes: number,
	swapBytes: number,
	network: list,
	cgroup: text,
	limits: object,
	gpus: list,
	runtimes: object,
	problems: object,
};

export const agentShape: Shape<AgentView> = {
	id: text,
	name: text,
	state: text,
	closed: text,
	cordon: orNull(object),
	version: text,
	labels: object,
	fingerprint: fingerprintShape,
	capacity: resourcesShape,
	usable: orNull(object),
	free: resourcesShape,
	devices: list,
	attempts: list,
	replicas: list,
	endpoints: { grpc: text, serving: text },
	lastHeartbeatAtMs: number,
};

const modelVersionShape: Shape<ModelVersionView> = {
	version: number,
	state: text,
	digest,
	sizeBytes: number,
	run: text,
	step: text,
	metrics: list,
	registeredAtMs: number,
};

export const modelShape: Shape<ModelView> = { name: text, versions: [modelVersionShape] };

const replicaShape: Shape<DeploymentView["replicas"][number]> = {
	agent: text,
	version: number,
	state: text,
	detail: text,
	endpoint: text,
};

export const deploymentShape: Shape<DeploymentView> = {
	name: text,
	model: text,
	version: number,
	revision: number,
	run: text,
	replicas: [replicaShape],
};

export const planShape: Shape<PlanView> = { pipeline: text, params: object, steps: list };

export const planStepShape: Shape<PlanStepView> = {
	key: text,
	matrix: object,
	needs: list,
	resources: resourcesShape,
	agent: orNull(text),
	agents: list,
	rejected: list,
};
