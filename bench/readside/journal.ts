/** Batches as the journal would give them, made up: runs of a few steps, or one of many. */

import type { JournalEvent } from "#coordinator/core/events.ts";
import { type AgentId, attemptId, type Digest, newRunId, type RunId, type StepKey } from "#shared/ids.ts";
import type { PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";

const step = (name: string, more: Partial<StepDefinition> = {}): StepDefinition => ({
	name,
	needs: [],
	inputs: {},
	matrix: null,
	condition: null,
	action: { kind: "command", command: "python train.py --lr $lr", shell: ["/bin/sh", "-c"], workdir: "" },
	outputs: { model: "model.onnx" },
	values: [],
	env: {},
	resources: { cpuMillis: 1_000, memoryBytes: 0, gpu: null, diskBytes: 0, named: {} },
	labels: {},
	gates: [],
	retries: { max: 0, on: [], exitCodes: [], delayMs: 0, backoff: 1, lost: 3 },
	timeoutMs: 0,
	graceMs: 10_000,
	lostWaitMs: 0,
	priority: 50,
	cache: null,
	concurrency: null,
	params: null,
	phase: "main",
	...{ limits: { cpu: false, memory: false }, image: "", environment: null, nodes: 1 },
	...more,
});

const pipeline = (name: string, steps: StepDefinition[]): PipelineDefinition => ({
	version: 3,
	name,
	params: {},
	timeoutMs: 0,
	concurrency: null,
	steps,
});

const digest = `sha256:${"ab".repeat(32)}` as Digest;

function* attemptOf(runId: RunId, key: string, atMs: number, state: "succeeded" | "failed"): Generator<JournalEvent> {
	const stepKey = key as StepKey;
	const of = { runId, stepKey, attemptId: attemptId(runId, stepKey, 1) };
	const failure =
		state === "failed" ? { cause: "error" as const, message: "exit code 1", exitCode: 1, signal: "" } : null;
	const outputs = failure ? [] : [{ name: "model", digest, sizeBytes: 4_096, fileCount: 1, holders: ["lab-1"] }];
	const metrics = [{ name: "accuracy", value: 0.97, step: 3 }];
	yield {
		kind: "attemptLeased",
		atMs,
		...of,
		attemptNumber: 1,
		fence: 1,
		agentId: "lab-1" as AgentId,
		memberIds: [],
		masterAddr: "",
	};
	yield { kind: "attemptStarted", atMs: atMs + 2, ...of };
	const times = { startedAtMs: atMs + 2, finishedAtMs: atMs + 900 };
	yield {
		kind: "attemptEnded",
		atMs: atMs + 901,
		...of,
		state,
		failure,
		outputs,
		metrics,
		...times,
		reason: "",
		codeUse: null,
		usage: null,
	};
	yield { kind: "stepSettled", atMs: atMs + 901, runId, stepKey, state, failure, outputs, metrics, reason: "" };
}

const submitted = (
	runId: RunId,
	atMs: number,
	definition: PipelineDefinition,
	params: object,
	submitter: string,
): JournalEvent => ({
	kind: "runSubmitted",
	atMs,
	runId,
	definitionJson: JSON.stringify(definition),
	paramsJson: JSON.stringify(params),
	submitter,
	code: { name: "code", digest, sizeBytes: 10_000, fileCount: 12, holders: ["coordinator"] },
	submissionId: `submission-${runId}`,
	reused: [],
	leftOut: [],
	cacheMode: "use",
	basedOn: "",
});

const PIPELINES = 50;
const SUBMITTERS = 20;
export const RUN_EVERY_MS = 60_000;
/** One run in so many fails. */
export const FAILED_EVERY = 97;

const threeSteps = Array.from({ length: PIPELINES }, (_, index) =>
	pipeline(`pipeline-${index}`, [
		step("prepare"),
		step("train", { needs: ["prepare"] }),
		step("report", { needs: ["train"] }),
	]),
);

/** A run of three steps, from its submission to its end. */
export function* smallRun(index: number, startMs: number): Generator<JournalEvent> {
	const atMs = startMs + index * RUN_EVERY_MS;
	const runId = newRunId(atMs, (index % 1_000) / 1_000);
	const definition = threeSteps[index % PIPELINES] as PipelineDefinition;
	const params = { lr: (index % 100) / 1_000, seed: index, data: `set-${index % 500}` };
	const failed = index % FAILED_EVERY === 0;
	yield submitted(runId, atMs, definition, params, `user-${index % SUBMITTERS}`);
	yield* attemptOf(runId, "prepare", atMs + 1_000, "succeeded");
	yield* attemptOf(runId, "train", atMs + 2_000, failed ? "failed" : "succeeded");
	if (!failed) yield* attemptOf(runId, "report", atMs + 3_000, "succeeded");
	yield { kind: "runFinished", atMs: atMs + 4_000, runId, state: failed ? "failed" : "succeeded", reason: "" };
}

/** One run with so many cells, and a step behind them all. */
export function* largeRun(cells: number, atMs: number): Generator<JournalEvent> {
	const runId = newRunId(atMs, 0);
	const seeds = Array.from({ length: cells }, (_, seed) => seed);
	const definition = pipeline("large", [step("cell", { matrix: { seed: seeds } }), step("end", { needs: ["cell"] })]);
	yield submitted(runId, atMs, definition, {}, "user-0");
	for (const seed of seeds) yield* attemptOf(runId, `cell.${seed}`, atMs + seed, "succeeded");
}

export function* batches(
	events: Iterable<JournalEvent>,
	size: number,
	firstSequence: number,
): Generator<{ sequence: number; events: JournalEvent[] }> {
	let batch: JournalEvent[] = [];
	let sequence = firstSequence;
	for (const event of events) {
		batch.push(event);
		if (batch.length < size) continue;
		yield { sequence: sequence++, events: batch };
		batch = [];
	}
	if (batch.length > 0) yield { sequence, events: batch };
}
