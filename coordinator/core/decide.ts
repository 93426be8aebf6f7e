/**
 * `decide(state, inputs, nowMs)`: the whole coordinator as one function. Inputs become events, applied at once;
 * effects are handed out for the shell to carry out when the journal has the events.
 */

import { assertNever } from "#shared/assert-never.ts";
import { canonicalJson } from "#shared/pipeline/canonical.ts";
import { leaveBackoff } from "./apply.ts";
import { assign, sendTask } from "./assign.ts";
import { cancelRun } from "./cancel.ts";
import { concludeRun } from "./conclude.ts";
import { putDeployment, putServing, takeBack, waitingStep } from "./deploy.ts";
import type { RunSubmitted } from "./events.ts";
import type { Input } from "./inputs.ts";
import { advertReceived, expireLeases, heartbeatReceived } from "./leases.ts";
import { reportReceived } from "./reports.ts";
import type { MeshState } from "./state.ts";
import { type CoreOptions, defaultCoreOptions, emit, type Turn } from "./turn.ts";

export const decide = (
	state: MeshState,
	inputs: readonly Input[],
	nowMs: number,
	options: CoreOptions = defaultCoreOptions,
): Turn => {
	const turn: Turn = { state, nowMs, options, events: [], effects: [], refused: [] };
	for (const input of inputs) {
		try {
			take(turn, input);
		} catch (error) {
			// What was decided before the error stands; the input itself is refused.
			turn.refused.push({ input, error: error instanceof Error ? error : new Error(String(error)) });
		}
	}
	wakeBackoff(turn);
	assign(turn);
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
		case "reportReceived":
			return reportReceived(turn, input.report);
		case "heartbeatReceived":
			return heartbeatReceived(turn, input.heartbeat, input.replyTo);
		case "advertReceived":
			return advertReceived(turn, input.advert);
		case "leadershipGained":
			return leadershipGained(turn, input);
		case "tick":
			expireLeases(turn);
			return expireDeploys(turn);
		default:
			return assertNever(input);
	}
};

/** The same submission twice is one run. */
const submitRun = (turn: Turn, input: Extract<Input, { kind: "submitRun" }>): void => {
	if (!turn.state.submissions.has(input.submissionId)) emit(turn, submittedEvent(input, turn.nowMs));
};

export const submittedEvent = (
	{ runId, definition, params, submitter, code, submissionId }: Omit<Extract<Input, { kind: "submitRun" }>, "kind">,
	atMs: number,
): RunSubmitted => ({
	kind: "runSubmitted",
	atMs,
	runId,
	definitionJson: canonicalJson(definition),
	paramsJson: canonicalJson(params),
	submitter,
	code,
	submissionId,
});

/** A new leader gives every agent a fresh lease, and sends again what its predecessor may not have sent. */
const leadershipGained = (turn: Turn, input: Extract<Input, { kind: "leadershipGained" }>): void => {
	const { state } = turn;
	emit(turn, { kind: "leaderElected", coordinatorId: input.coordinatorId, epoch: input.epoch });
	for (const agent of state.agents.values()) {
		agent.lastHeardMs = turn.nowMs;
		putServing(turn, agent.id);
	}
	for (const deployment of state.deployments.values()) {
		for (const agentId of deployment.agentIds) if (!state.agents.has(agentId)) putServing(turn, agentId);
	}
	for (const run of [...state.runs.values()]) concludeRun(turn, run);
	for (const attempt of state.attempts.values()) {
		if (attempt.status === "leased") sendTask(turn, attempt);
	}
};

const wakeBackoff = (turn: Turn): void => {
	for (const step of turn.state.backoff) {
		if (step.notBeforeMs <= turn.nowMs) leaveBackoff(turn.state, step, turn.nowMs);
	}
};

/** A desired state may have been overwritten by a predecessor's late one: while a deploy waits it is put again. */
const expireDeploys = (turn: Turn): void => {
	for (const deployment of turn.state.deployments.values()) {
		const step = waitingStep(turn.state, deployment.name);
		if (!step) continue;
		const limitMs = step.definition.timeoutMs || turn.options.deployTimeoutMs;
		if (turn.nowMs - step.readyAtMs <= limitMs) {
			if (turn.nowMs - deployment.putAtMs >= turn.options.resendMs) putDeployment(turn, deployment);
			continue;
		}
		const silent = [...deployment.replicas].filter(([, replica]) => replica.state !== "serving").map(([id]) => id);
		takeBack(turn, deployment, step, `not served within ${Math.round(limitMs / 1000)} s by ${silent.join(", ")}`);
	}
};
