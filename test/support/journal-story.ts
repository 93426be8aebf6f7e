/** Journal events for tests of the read side and the API: short words for what the core would decide. */

import type {
	AgentForgotten,
	AgentModeChanged,
	ApprovalAnswered,
	ApprovalRequested,
	AttemptEnded,
	AttemptLeased,
	AttemptMemberEnded,
	AttemptStarted,
	CacheChecked,
	DeploymentChanged,
	JoinTokenIssued,
	JoinTokenRevoked,
	JoinTokenUsed,
	JournalEvent,
	MatrixExpanded,
	ModelVersionRegistered,
	ReplicaReported,
	RunAdmitted,
	RunCancelRequested,
	RunFinished,
	RunSubmitted,
	RunTimedOut,
	StepCancelRequested,
	StepReadied,
	StepRetryScheduled,
	StepSettled,
} from "#coordinator/core/events.ts";
import type { ArtifactRef } from "#shared/domain.ts";
import { type AgentId, attemptId, type Digest, type RunId, type StepKey } from "#shared/ids.ts";
import type { PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";
import { stepOf as plainStep } from "./definitions.ts";

/** Without a retry. */
export const stepOf = (name: string, more: Partial<StepDefinition> = {}): StepDefinition =>
	plainStep(name, { retries: { max: 0, on: [], exitCodes: [], lost: 3, delayMs: 0, backoff: 1 }, ...more });

export const pipelineOf = (
	name: string,
	steps: StepDefinition[],
	more: Partial<PipelineDefinition> = {},
): PipelineDefinition => ({ version: 3, name, params: {}, timeoutMs: 0, concurrency: null, steps, ...more });

export const artifactOf = (name: string, fill: string, holders: string[] = ["agent-1"]): ArtifactRef => ({
	name,
	digest: `sha256:${fill.repeat(64).slice(0, 64)}` as Digest,
	sizeBytes: 10,
	fileCount: 1,
	holders,
});

type Fields<E extends JournalEvent> = Partial<Omit<E, "kind">>;

/** Events of one run, with times that go on by one millisecond each. */
export const createStory = (run: string, startMs = 1_000) => {
	const runId = run as RunId;
	let now = startMs;
	const tick = (): number => now++;
	const step = (key: string) => ({ atMs: tick(), runId, stepKey: key as StepKey });
	const attempt = (key: string, number: number) => ({
		...step(key),
		attemptId: attemptId(runId, key as StepKey, number),
	});
	return {
		submitted: (definition: PipelineDefinition, more: Fields<RunSubmitted> = {}): RunSubmitted => ({
			kind: "runSubmitted",
			atMs: tick(),
			runId,
			definitionJson: JSON.stringify(definition),
			paramsJson: "{}",
			submitter: "ada",
			code: null,
			submissionId: `s-${run}`,
			reused: [],
			leftOut: [],
			cacheMode: "use",
			basedOn: "",
			...more,
		}),
		admitted: (): RunAdmitted => ({ kind: "runAdmitted", atMs: tick(), runId }),
		timedOut: (reason: string): RunTimedOut => ({ kind: "runTimedOut", atMs: tick(), runId, reason }),
		cancelRequested: (): RunCancelRequested => ({ kind: "runCancelRequested", atMs: tick(), runId, reason: "enough" }),
		finished: (state: RunFinished["state"], reason = ""): RunFinished => ({
			kind: "runFinished",
			atMs: tick(),
			runId,
			state,
			reason,
		}),
		readied: (key: string, reason = "`if` holds"): StepReadied => ({ kind: "stepReadied", ...step(key), reason }),
		expanded: (name: string, cells: Record<string, unknown>[]): MatrixExpanded => ({
			kind: "matrixExpanded",
			...step(name),
			cellsJson: JSON.stringify(cells),
		}),
		held: (key: string, message = ""): ApprovalRequested => ({ kind: "approvalRequested", ...step(key), message }),
		answered: (key: string, approved: boolean, comment = ""): ApprovalAnswered => ({
			kind: "approvalAnswered",
			...step(key),
			approved,
			by: "ada",
			comment,
		}),
		stepCancelRequested: (key: string, reason = "enough"): StepCancelRequested => ({
			kind: "stepCancelRequested",
			...step(key),
			reason,
		}),
		cacheChecked: (key: string, more: Fields<CacheChecked> = {}): CacheChecked => ({
			kind: "cacheChecked",
			...step(key),
			hit: false,
			sourceRunId: "",
			sourceStepKey: "",
			reason: "",
			...more,
		}),
		leased: (key: string, number = 1, agent = "agent-1", ...members: string[]): AttemptLeased => ({
			kind: "attemptLeased",
			...attempt(key, number),
			attemptNumber: number,
			fence: number,
			agentId: agent as AgentId,
			memberIds: members as AgentId[],
			masterAddr: "",
		}),
		started: (key: string, number = 1): AttemptStarted => ({ kind: "attemptStarted", ...attempt(key, number) }),
		memberEnded: (
			key: string,
			rank: number,
			number = 1,
			more: Fields<AttemptMemberEnded> = {},
		): AttemptMemberEnded => ({
			kind: "attemptMemberEnded",
			...attempt(key, number),
			rank,
			outputs: [],
			metrics: [],
			startedAtMs: 0,
			finishedAtMs: 0,
			usage: null,
			...more,
		}),
		ended: (
			key: string,
			state: AttemptEnded["state"] = "succeeded",
			number = 1,
			more: Fields<AttemptEnded> = {},
		): AttemptEnded => ({
			kind: "attemptEnded",
			...attempt(key, number),
			state,
			failure: state === "failed" ? { cause: "error", message: "exit code 1", exitCode: 1, signal: "" } : null,
			outputs: [],
			metrics: [],
			startedAtMs: 0,
			finishedAtMs: 0,
			reason: "",
			codeUse: null,
			usage: null,
			...more,
		}),
		settled: (key: string, state: StepSettled["state"] = "succeeded", more: Fields<StepSettled> = {}): StepSettled => ({
			kind: "stepSettled",
			...step(key),
			state,
			failure: null,
			outputs: [],
			metrics: [],
			reason: "",
			...more,
		}),
		retry: (key: string, delayMs: number, reason = "again"): StepRetryScheduled => {
			const identity = step(key);
			return { kind: "stepRetryScheduled", ...identity, notBeforeMs: identity.atMs + delayMs, reason };
		},
		registered: (model: string, version: number, key = "deploy"): ModelVersionRegistered => ({
			kind: "modelVersionRegistered",
			...step(key),
			model,
			version,
			artifact: artifactOf("model", String(version)),
			golden: null,
			metrics: [{ name: "accuracy", value: 0.97, step: 1 }],
		}),
		deployed: (
			name: string,
			version: number,
			agents: string[],
			more: Fields<DeploymentChanged> = {},
		): DeploymentChanged => ({
			kind: "deploymentChanged",
			...step("deploy"),
			deployment: name,
			model: name,
			version,
			agentIds: agents as AgentId[],
			revision: version,
			...more,
		}),
		replica: (
			name: string,
			agent: string,
			version: number,
			state: ReplicaReported["state"],
			more: Fields<ReplicaReported> = {},
		): ReplicaReported => ({
			kind: "replicaReported",
			atMs: tick(),
			deployment: name,
			agentId: agent as AgentId,
			version,
			state,
			detail: "",
			endpoint: "http://127.0.0.1:8000",
			revision: version,
			...more,
		}),
		mode: (agent: string, mode: AgentModeChanged["mode"], more: Fields<AgentModeChanged> = {}): AgentModeChanged => ({
			kind: "agentModeChanged",
			atMs: tick(),
			agentId: agent as AgentId,
			mode,
			reason: "",
			by: "ada",
			leave: false,
			...more,
		}),
		forgotten: (agent: string): AgentForgotten => ({
			kind: "agentForgotten",
			atMs: tick(),
			agentId: agent as AgentId,
			by: "ada",
		}),
		tokenIssued: (tokenId: string, uses = 1): JoinTokenIssued => ({
			kind: "joinTokenIssued",
			atMs: tick(),
			tokenId,
			secretHash: "ab".repeat(32),
			expiresAtMs: now + 3_600_000,
			uses,
			by: "ada",
		}),
		tokenUsed: (tokenId: string, host = "lab-1"): JoinTokenUsed => ({
			kind: "joinTokenUsed",
			atMs: tick(),
			tokenId,
			host,
			useId: "u1",
		}),
		tokenRevoked: (tokenId: string): JoinTokenRevoked => ({
			kind: "joinTokenRevoked",
			atMs: tick(),
			tokenId,
			by: "ada",
		}),
		/** Lease, start, end and settlement of one attempt that goes well. */
		passed: function* (key: string): Generator<JournalEvent> {
			yield this.leased(key);
			yield this.started(key);
			yield this.ended(key);
			yield this.settled(key);
		},
	};
};

export type Story = ReturnType<typeof createStory>;

/** One batch for each event, or as many as `size` to a batch. */
export const batchesOf = (events: Iterable<JournalEvent>, size = 1): { sequence: number; events: JournalEvent[] }[] => {
	const all = [...events];
	return Array.from({ length: Math.ceil(all.length / size) }, (_, index) => ({
		sequence: index + 1,
		events: all.slice(index * size, (index + 1) * size),
	}));
};
