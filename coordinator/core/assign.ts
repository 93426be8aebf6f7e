/** One placement pass: ready steps to agents, builtins carried out here. */

import { failureOf } from "#shared/failure.ts";
import { type AgentId, attemptId } from "#shared/ids.ts";
import { type Candidate, place } from "../placement/place.ts";
import { askForApproval } from "./approve.ts";
import { askCache } from "./cached.ts";
import { requestOf } from "./claims.ts";
import { runCollect } from "./collect.ts";
import { runDeploy } from "./deploy.ts";
import { knowRunner } from "./equals.ts";
import { identity } from "./graph.ts";
import type { Offered } from "./ready-queue.ts";
import { runSelect } from "./select.ts";
import { endAttempt, endingOf } from "./settle.ts";
import { type Agent, type Attempt, isLive, type Member, type MeshState, type Step } from "./state.ts";
import { taskOf } from "./task.ts";
import { contain, emit, type Turn } from "./turn.ts";

export const assign = (turn: Turn): void => {
	const { state } = turn;
	const placed: Step[] = [];
	let settledSome: boolean;
	do {
		settledSome = false;
		state.ready.offer((step) => {
			const offered = startContained(turn, step);
			if (step.status === "leased") placed.push(step);
			else if (offered === "taken") settledSome = true;
			return offered;
		});
		// A builtin that ended may have made others ready, of a class that this pass has left.
	} while (settledSome && state.ready.size > 0);
	for (const { attempt } of placed) if (attempt) sendTasks(turn, attempt);
};

const startContained = (turn: Turn, step: Step): Offered => {
	let offered: Offered = "taken";
	const subject = `${step.run.id}/${step.key}`;
	const went = contain(turn, subject, () => {
		offered = start(turn, step);
	});
	if (went || step.status !== "ready") return offered;
	turn.state.ready.park(step, DEFECT);
	return "parked";
};

/** Until a leader that can deal with it. */
const DEFECT = "defect";

const start = (turn: Turn, step: Step): Offered => {
	if (isGroupFull(turn.state, step)) return "refused";
	const { action } = step.definition;
	switch (action.kind) {
		case "select":
			runSelect(turn, step, action);
			break;
		case "collect":
			runCollect(turn, step, action);
			break;
		case "deploy":
			runDeploy(turn, step, action);
			break;
		case "approve":
			askForApproval(turn, step, action);
			break;
		default:
			switch (askCache(turn, step)) {
				case "parked":
					return "parked";
				case "run":
					lease(turn, step);
			}
	}
	return step.status === "ready" ? "refused" : "taken";
};

export const isGroupFull = ({ stepGroups }: MeshState, { group, definition }: Step): boolean =>
	group !== "" && (stepGroups.get(group)?.size ?? 0) >= (definition.concurrency?.max ?? 1);

const lease = (turn: Turn, step: Step): void => {
	const { state } = turn;
	const [agentId, ...memberIds] = place(requestOf(step), candidates(turn, step)).agentIds;
	if (!agentId) return;
	const attemptNumber = step.attempts + 1;
	emit(turn, {
		kind: "attemptLeased",
		...identity(step),
		attemptId: attemptId(step.run.id, step.key, attemptNumber),
		attemptNumber,
		fence: state.fence + 1,
		agentId,
		memberIds,
		masterAddr: memberIds.length > 0 ? hostOf(state, agentId) : "",
	});
	knowRunner(turn, step);
};

/** Where others reach the agent. */
const hostOf = ({ agents }: MeshState, agentId: AgentId): string => {
	const endpoint = agents.get(agentId)?.advert?.endpoints?.grpc ?? "";
	return endpoint.slice(0, endpoint.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
};

function* candidates(turn: Turn, step: Step): Generator<Candidate> {
	for (const agent of turn.state.agents.values()) {
		if (agent.online && (step.declinedUntilMs?.get(agent.id) ?? 0) <= turn.nowMs) yield candidate(agent, step);
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

/** To all members of whom nothing has been heard. */
export const sendTasks = (turn: Turn, attempt: Attempt): void => {
	for (const member of attempt.members) {
		if (isLive(attempt.status) && !member.started && !member.ended) sendTask(turn, attempt, member);
	}
};

/** Sent again, the message id differs, or JetStream would take it for a double. */
export const sendTask = (turn: Turn, attempt: Attempt, member: Member): void => {
	const sendId = member.sentAtMs === 0 ? member.id : `${member.id}@${Math.floor(turn.nowMs)}`;
	member.sentAtMs = turn.nowMs;
	try {
		const task = taskOf(attempt, member, turn.state.epoch);
		turn.effects.push({ kind: "sendTask", agentId: member.agentId, task, sendId });
	} catch (error) {
		// A step that can't be told must not stop the mesh.
		endAttempt(turn, attempt, endingOf("failed", "", failureOf("input", (error as Error).message)));
	}
};
