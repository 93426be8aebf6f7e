/**
 * `decide(state, inputs, nowMs)`: the whole coordinator as one function. Inputs become events, applied at once;
 * effects are handed out for the shell to carry out when the journal has the events.
 */

import { assertNever } from "#shared/assert-never.ts";
import { asError } from "#shared/errors.ts";
import { canonicalJson } from "#shared/pipeline/canonical.ts";
import { admitRuns, joinGroup } from "./admit.ts";
import { leaveBackoff } from "./apply/attempts.ts";
import { approvalAnswered, expireApprovals } from "./approve.ts";
import { assign, sendTasks } from "./assign.ts";
import { codeCompared } from "./cached.ts";
import { cancelRun, cancelStep, timeOutRun } from "./cancel.ts";
import { concludeRun } from "./conclude.ts";
import { putDeployment, putServing, takeBack, waitingStep } from "./deploy.ts";
import { moveReplicas } from "./drain.ts";
import type { RunSubmitted } from "./events.ts";
import { beginRun } from "./graph.ts";
import type { Input } from "./inputs.ts";
import { advertReceived, agentLeft, expireLeases, heartbeatReceived, leaderWasAway } from "./leases.ts";
import { forgetAgent, setAgentMode } from "./modes.ts";
import { reportReceived } from "./reports.ts";
import { finishRun } from "./settle.ts";
import type { MeshState } from "./state.ts";
import { issueJoinToken, revokeJoinToken, useJoinToken } from "./tokens.ts";
import { type CoreOptions, contain, defaultCoreOptions, emit, type Turn } from "./turn.ts";

export const decide = (
	state: MeshState,
	inputs: readonly Input[],
	nowMs: number,
	options: CoreOptions = defaultCoreOptions,
): Turn => {
	const turn: Turn = { state, nowMs, options, events: [], effects: [], groups: new Set(), defects: [], refused: [] };
	for (const input of inputs) {
		try {
			take(turn, input);
		} catch (error) {
			// What was decided before the error stands; the input itself is refused.
			turn.refused.push({ input, error: asError(error) });
		}
	}
	wakeBackoff(turn);
	// What settles while steps are placed may end a run, and let another of its group go ahead.
	do {
		admitRuns(turn);
		assign(turn);
	} while (turn.groups.size > 0);
	return turn;
};

const take = (turn: Turn, input: Input): void => {
	switch (input.kind) {
		case "submitRun":
			return submitRun(turn, input);
		case "cancelRun": {
			const run = turn.state.runs.get(input.runId);
			if (run) cancelRun(turn, run, input.reason);
			return;
		}
		case "cancelStep": {
			const step = turn.state.runs.get(input.runId)?.steps.get(input.stepKey);
			if (step) cancelStep(turn, step, input.reason);
			return;
		}
		case "answerApproval":
			return approvalAnswered(turn, input);
		case "codeCompared":
			return codeCompared(turn, input);
		case "reportReceived":
			return reportReceived(turn, input.report);
		case "heartbeatReceived":
			return heartbeatReceived(turn, input.heartbeat, input.replyTo);
		case "advertReceived":
			return advertReceived(turn, input.advert);
		case "agentLeft":
			return agentLeft(turn, input.agentId);
		case "setAgentMode":
			return setAgentMode(turn, input);
		case "forgetAgent":
			return forgetAgent(turn, input);
		case "issueJoinToken":
			return issueJoinToken(turn, input);
		case "useJoinToken":
			return useJoinToken(turn, input);
		case "revokeJoinToken":
			return revokeJoinToken(turn, input);
		case "leadershipGained":
			return leadershipGained(turn, input);
		case "leaderWasAway":
			return leaderWasAway(turn, input.forMs);
		case "tick":
			expireLeases(turn);
			expireDeploys(turn);
			expireApprovals(turn);
			moveReplicas(turn);
			return expireRuns(turn);
		default:
			return assertNever(input);
	}
};

/** The same submission twice is one run. */
const submitRun = (turn: Turn, input: Extract<Input, { kind: "submitRun" }>): void => {
	if (turn.state.submissions.has(input.submissionId)) return;
	emit(turn, submittedEvent(input, turn.nowMs));
	const run = turn.state.runs.get(input.runId);
	if (!run) return;
	if (run.group !== "") joinGroup(turn, run);
	beginRun(turn, run);
	finishRun(turn, run);
};

export const submittedEvent = (
	{ definition, params, ...rest }: Omit<Extract<Input, { kind: "submitRun" }>, "kind">,
	atMs: number,
): RunSubmitted => ({
	...rest,
	kind: "runSubmitted",
	atMs,
	definitionJson: canonicalJson(definition),
	paramsJson: canonicalJson(params),
});

/** A new leader gives every agent a fresh lease, and sends again what its predecessor may not have sent. */
const leadershipGained = (turn: Turn, input: Extract<Input, { kind: "leadershipGained" }>): void => {
	const { state } = turn;
	emit(turn, { kind: "leaderElected", coordinatorId: input.coordinatorId, epoch: input.epoch });
	for (const agent of state.agents.values()) {
		agent.leaseFromMs = turn.nowMs;
		putServing(turn, agent.id);
	}
	for (const deployment of state.deployments.values()) {
		for (const agentId of deployment.agentIds) if (!state.agents.has(agentId)) putServing(turn, agentId);
	}
	for (const run of [...state.runs.values()]) contain(turn, run.id, () => concludeRun(turn, run));
	for (const attempt of new Set(state.attempts.values())) {
		if (attempt.status === "leased") sendTasks(turn, attempt);
	}
};

const wakeBackoff = (turn: Turn): void => {
	for (const step of turn.state.backoff) {
		if (step.notBeforeMs <= turn.nowMs) leaveBackoff(turn.state, step, turn.nowMs);
	}
};

const expireRuns = (turn: Turn): void => {
	for (const run of [...turn.state.runs.values()]) {
		const { timeoutMs } = run.definition;
		if (timeoutMs === 0 || run.status !== "running" || run.timedOut !== "") continue;
		if (turn.nowMs - run.admittedAtMs > timeoutMs) timeOutRun(turn, run);
	}
};

/** A desired state may have been overwritten by a predecessor's late one: while a deploy waits it is put again. */
const expireDeploys = (turn: Turn): void => {
	for (const deployment of turn.state.deployments.values()) {
		const step = waitingStep(turn.state, deployment.name);
		if (!step) continue;
		const limitMs = step.definition.timeoutMs || turn.options.deployTimeoutMs;
		if (turn.nowMs - step.sinceMs <= limitMs) {
			if (turn.nowMs - deployment.putAtMs >= turn.options.resendMs) putDeployment(turn, deployment);
			continue;
		}
		const silent = [...deployment.replicas].filter(([, replica]) => replica.state !== "serving").map(([id]) => id);
		takeBack(turn, deployment, step, `not served within ${Math.round(limitMs / 1000)} s by ${silent.join(", ")}`);
	}
};
