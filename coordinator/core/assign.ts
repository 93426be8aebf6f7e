/** One placement pass: ready steps to agents, builtins carried out here. */

import { attemptId } from "#shared/ids.ts";
import { type Candidate, place } from "../placement/place.ts";
import { requestedResources } from "./claims.ts";
import { runDeploy } from "./deploy.ts";
import { runSelect } from "./select.ts";
import { endAttempt, endingOf, identity } from "./settle.ts";
import type { Agent, Attempt, Step } from "./state.ts";
import { taskOf } from "./task.ts";
import { emit, type Turn } from "./turn.ts";

export const assign = (turn: Turn): void => {
	const { state } = turn;
	const placed: Step[] = [];
	let settledSome: boolean;
	do {
		settledSome = false;
		state.ready.offer((step) => {
			const { action } = step.definition;
			if (action.kind === "select") runSelect(turn, step, action);
			else if (action.kind === "deploy") runDeploy(turn, step, action);
			else if (lease(turn, step)) placed.push(step);
			if (step.status !== "ready" && step.status !== "leased") settledSome = true;
			return step.status !== "ready";
		});
		// A builtin that ended may have made others ready, of a class that this pass has left.
	} while (settledSome && state.ready.size > 0);
	for (const { attempt } of placed) if (attempt) sendTask(turn, attempt);
};

const lease = (turn: Turn, step: Step): boolean => {
	const { state } = turn;
	const request = { resources: requestedResources(step), labels: step.definition.labels };
	const { agentId } = place(request, candidates(turn, step));
	if (!agentId) return false;
	const attemptNumber = step.attempts + 1;
	emit(turn, {
		kind: "attemptLeased",
		...identity(step),
		attemptId: attemptId(step.run.id, step.key, attemptNumber),
		attemptNumber,
		fence: state.fence + 1,
		agentId,
	});
	return true;
};

function* candidates(turn: Turn, step: Step): Generator<Candidate> {
	for (const agent of turn.state.agents.values()) {
		if (agent.online && (step.declinedUntilMs.get(agent.id) ?? 0) <= turn.nowMs) yield candidate(agent, step);
	}
}

const candidate = (agent: Agent, step: Step): Candidate => {
	let localBytes = 0;
	for (const { step: from, output } of Object.values(step.definition.inputs)) {
		const [source] = step.run.cells.get(from) ?? [];
		const artifact = source?.outputs.find((each) => each.name === output);
		if (artifact?.holders.includes(agent.id)) localBytes += artifact.sizeBytes;
	}
	return { id: agent.id, node: agent.node, localBytes };
};

/** Sent again, the message id differs, or JetStream would take it for a double. */
export const sendTask = (turn: Turn, attempt: Attempt): void => {
	const sendId = attempt.sentAtMs === 0 ? attempt.id : `${attempt.id}@${Math.floor(turn.nowMs)}`;
	attempt.sentAtMs = turn.nowMs;
	try {
		const task = taskOf(attempt, turn.state.epoch);
		turn.effects.push({ kind: "sendTask", agentId: attempt.agentId, task, sendId });
	} catch (error) {
		// A step that can't be told must not stop the mesh.
		const failure = { cause: "launch", message: (error as Error).message, signal: "" } as const;
		endAttempt(turn, attempt, endingOf("failed", "", failure));
	}
};
