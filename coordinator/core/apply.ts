/** `apply(state, event)`: the only writer of journaled state. Deterministic: the same journal gives the same state. */

import { assertNever } from "#shared/assert-never.ts";
import type { AgentId, RunId, StepKey } from "#shared/ids.ts";
import type { PipelineDefinition } from "#shared/pipeline/definition.ts";
import { expandSteps } from "#shared/pipeline/expand.ts";
import { newNode } from "../placement/node.ts";
import { claimAttempt, releaseAttempt } from "./claims.ts";
import type {
	AttemptEnded,
	AttemptLeased,
	AttemptStarted,
	DeploymentChanged,
	JournalEvent,
	ModelVersionRegistered,
	ReplicaReported,
	RunSubmitted,
	StepRetryScheduled,
	StepSettled,
} from "./events.ts";
import type { Agent, Attempt, AttemptStatus, Deployment, MeshState, Run, Step, StepStatus } from "./state.ts";
import { assertMove, attemptMoves, runMoves, stepMoves } from "./transitions.ts";

const STORY_LENGTH = 8;
/** Submissions remembered for deduplication once their runs are over. */
const SUBMISSIONS_MAX = 10_000;

export const apply = (state: MeshState, event: JournalEvent): void => {
	switch (event.kind) {
		case "leaderElected":
			state.epoch = event.epoch;
			return;
		case "runSubmitted":
			return applyRunSubmitted(state, event);
		case "runCancelRequested": {
			const run = requireRun(state, event.runId);
			assertMove(runMoves, run.id, run.status, "cancelling");
			run.status = "cancelling";
			return;
		}
		case "runFinished": {
			const run = requireRun(state, event.runId);
			assertMove(runMoves, run.id, run.status, event.state);
			run.status = event.state;
			state.runs.delete(run.id);
			return;
		}
		case "attemptLeased":
			return applyAttemptLeased(state, event);
		case "attemptStarted":
			return applyAttemptStarted(state, event);
		case "attemptEnded":
			return applyAttemptEnded(state, event);
		case "stepSettled":
			return applyStepSettled(state, event);
		case "stepRetryScheduled":
			return applyStepRetryScheduled(state, event);
		case "modelVersionRegistered":
			return applyModelVersionRegistered(state, event);
		case "deploymentChanged":
			return applyDeploymentChanged(state, event);
		case "replicaReported":
			return applyReplicaReported(state, event);
		default:
			return assertNever(event);
	}
};

/** The agent of that id; one that is known only by what was placed there has not been heard yet. */
export const agentOf = (state: MeshState, id: AgentId): Agent => {
	let agent = state.agents.get(id);
	if (!agent) {
		agent = {
			id,
			advert: null,
			lastHeardMs: 0,
			sessionId: "",
			online: false,
			draining: false,
			attempts: new Set(),
			missing: new Set(),
			node: newNode(),
		};
		state.agents.set(id, agent);
	}
	return agent;
};

const requireRun = (state: MeshState, id: RunId): Run => {
	const run = state.runs.get(id);
	if (!run) throw new Error(`the journal speaks of run ${id}, which is unknown or over`);
	return run;
};

const requireStep = (state: MeshState, event: { runId: RunId; stepKey: StepKey }): Step => {
	const step = requireRun(state, event.runId).steps.get(event.stepKey);
	if (!step) throw new Error(`the journal speaks of step ${event.stepKey}, which run ${event.runId} does not have`);
	return step;
};

const moveStep = (state: MeshState, step: Step, to: StepStatus, atMs: number): void => {
	assertMove(stepMoves, `${step.run.id}/${step.key}`, step.status, to, step.story);
	if (step.status === "ready") state.ready.delete(step);
	if (step.status === "backoff") state.backoff.delete(step);
	step.status = to;
	step.story.push(to);
	if (step.story.length > STORY_LENGTH) step.story.shift();
	if (to === "ready") {
		step.readyAtMs = atMs;
		state.ready.add(step);
	}
	if (to === "backoff") state.backoff.add(step);
};

const moveAttempt = (attempt: Attempt, to: AttemptStatus): void => {
	assertMove(attemptMoves, attempt.id, attempt.status, to, attempt.step.story);
	attempt.status = to;
};

const applyRunSubmitted = (state: MeshState, event: RunSubmitted): void => {
	const definition = JSON.parse(event.definitionJson) as PipelineDefinition;
	const run: Run = {
		id: event.runId,
		definition,
		params: JSON.parse(event.paramsJson) as Run["params"],
		code: event.code,
		submissionId: event.submissionId,
		status: "running",
		steps: new Map(),
		cells: new Map(),
		cellsLeft: new Map(),
		dependents: new Map(),
		unsettled: 0,
	};
	for (const cell of expandSteps(definition)) {
		const step: Step = {
			run,
			key: cell.key,
			definition: cell.definition,
			matrix: cell.matrix,
			status: "waiting",
			unmetNeeds: 0,
			attempt: null,
			attempts: 0,
			failures: 0,
			losses: 0,
			readyAtMs: 0,
			notBeforeMs: 0,
			outputs: [],
			metrics: [],
			failure: null,
			declinedUntilMs: new Map(),
			story: [],
		};
		run.steps.set(step.key, step);
		listIn(run.cells, cell.definition.name).push(step);
		for (const need of cell.definition.needs) listIn(run.dependents, need).push(step);
	}
	run.unsettled = run.steps.size;
	for (const [name, cells] of run.cells) run.cellsLeft.set(name, cells.length);
	state.runs.set(run.id, run);
	rememberSubmission(state, event.submissionId, run.id);
	for (const step of run.steps.values()) {
		step.unmetNeeds = step.definition.needs.length;
		if (step.unmetNeeds === 0) moveStep(state, step, "ready", event.atMs);
	}
};

const rememberSubmission = (state: MeshState, submissionId: string, runId: RunId): void => {
	state.submissions.set(submissionId, runId);
	if (state.submissions.size <= SUBMISSIONS_MAX) return;
	for (const [oldest, oldRun] of state.submissions) {
		if (state.runs.has(oldRun)) continue;
		state.submissions.delete(oldest);
		return;
	}
};

const listIn = <V>(map: Map<string, V[]>, key: string): V[] => {
	let list = map.get(key);
	if (!list) {
		list = [];
		map.set(key, list);
	}
	return list;
};

const applyAttemptLeased = (state: MeshState, event: AttemptLeased): void => {
	const step = requireStep(state, event);
	if (step.status === "backoff") leaveBackoff(state, step, step.notBeforeMs);
	moveStep(state, step, "leased", event.atMs);
	if (step.attempt) state.attempts.delete(step.attempt.id);
	const attempt: Attempt = {
		id: event.attemptId,
		number: event.attemptNumber,
		fence: event.fence,
		agentId: event.agentId,
		status: "leased",
		leasedAtMs: event.atMs,
		sentAtMs: 0,
		step,
	};
	step.attempt = attempt;
	step.attempts = event.attemptNumber;
	state.fence = Math.max(state.fence, event.fence);
	state.attempts.set(attempt.id, attempt);
	claimAttempt(agentOf(state, event.agentId), attempt);
};

const applyAttemptStarted = (state: MeshState, event: AttemptStarted): void => {
	const step = requireStep(state, event);
	const attempt = requireAttempt(step, event.attemptId);
	// A lost attempt that shows a sign of life goes on.
	if (attempt.status === "lost") claimAttempt(agentOf(state, attempt.agentId), attempt);
	moveAttempt(attempt, "running");
	moveStep(state, step, "running", event.atMs);
};

const requireAttempt = (step: Step, id: string): Attempt => {
	if (step.attempt?.id === id) return step.attempt;
	throw new Error(`the journal speaks of attempt ${id}, which is not the newest of ${step.run.id}/${step.key}`);
};

const applyAttemptEnded = (state: MeshState, event: AttemptEnded): void => {
	const step = requireStep(state, event);
	const attempt = requireAttempt(step, event.attemptId);
	releaseAttempt(agentOf(state, attempt.agentId), attempt);
	moveAttempt(attempt, event.state);
	// A lost one may yet be heard of.
	if (event.state !== "lost") state.attempts.delete(attempt.id);
	step.outputs = event.outputs;
	step.metrics = event.metrics;
	step.failure = event.failure;
	if (event.state === "failed") step.failures += 1;
	if (event.state === "lost" || event.state === "cancelled") step.losses += 1;
};

const applyStepSettled = (state: MeshState, event: StepSettled): void => {
	const step = requireStep(state, event);
	moveStep(state, step, event.state, event.atMs);
	step.outputs = event.outputs;
	step.metrics = event.metrics;
	step.failure = event.failure;
	if (step.attempt) state.attempts.delete(step.attempt.id);
	step.run.unsettled -= 1;
	if (event.state !== "succeeded") return;
	const { name } = step.definition;
	const cellsLeft = (step.run.cellsLeft.get(name) ?? 0) - 1;
	step.run.cellsLeft.set(name, cellsLeft);
	if (cellsLeft > 0) return;
	for (const dependent of step.run.dependents.get(name) ?? []) {
		dependent.unmetNeeds -= 1;
		if (dependent.unmetNeeds === 0 && dependent.status === "waiting") moveStep(state, dependent, "ready", event.atMs);
	}
};

const applyStepRetryScheduled = (state: MeshState, event: StepRetryScheduled): void => {
	const step = requireStep(state, event);
	step.notBeforeMs = event.notBeforeMs;
	moveStep(state, step, "backoff", event.atMs);
};

/** Time has come for a step in backoff: not an event, since its time stands in the journal already. */
export const leaveBackoff = (state: MeshState, step: Step, nowMs: number): void =>
	moveStep(state, step, "ready", nowMs);

const applyModelVersionRegistered = (state: MeshState, event: ModelVersionRegistered): void => {
	const { model, version, artifact, golden, runId, stepKey } = event;
	listIn(state.models, model).push({ version, artifact, golden, runId, stepKey });
};

const applyDeploymentChanged = (state: MeshState, event: DeploymentChanged): void => {
	const { deployment: name, model, version, revision, agentIds, runId, stepKey } = event;
	const before = state.deployments.get(name);
	const served = before && [...before.replicas.values()].every((replica) => replica.state === "serving");
	state.deployments.set(name, {
		name,
		model,
		version,
		revision,
		agentIds,
		replicas: new Map(agentIds.map((id) => [id, { state: "pending", detail: "", endpoint: "" }])),
		runId,
		stepKey,
		putAtMs: event.atMs,
		previous: served ? servedNow(before) : (before?.previous ?? null),
	});
	const step = state.runs.get(runId)?.steps.get(stepKey);
	if (step?.status === "ready") moveStep(state, step, "running", event.atMs);
};

const servedNow = ({ model, version, agentIds, runId, stepKey }: Deployment): NonNullable<Deployment["previous"]> => ({
	model,
	version,
	agentIds,
	runId,
	stepKey,
});

const applyReplicaReported = (state: MeshState, event: ReplicaReported): void => {
	const replica = state.deployments.get(event.deployment)?.replicas.get(event.agentId);
	if (!replica) return;
	replica.state = event.state;
	replica.detail = event.detail;
	replica.endpoint = event.endpoint;
};
