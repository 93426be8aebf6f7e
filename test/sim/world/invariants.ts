/** What must hold at every turn of a leader, on every host, and at the end. */

import type { JournalEvent } from "#coordinator/core/events.ts";
import type { Effect, Input } from "#coordinator/core/inputs.ts";
import type { MeshState, Run } from "#coordinator/core/state.ts";
import { actionOf, environmentOf, inputsOf, paramsOf } from "#coordinator/core/task.ts";
import { defaultCoreOptions, type Turn } from "#coordinator/core/turn.ts";
import type { Task } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import type { SimAgent } from "./agent.ts";
import { resultOf } from "./code.ts";
import type { SimCoordinator } from "./coordinator.ts";
import { demand, isFinal, statusOf } from "./seen.ts";
import type { View } from "./view.ts";

/** A command starts at most once, and only where there is room for it. */
export const checkLaunch = (launched: Set<string>, agent: SimAgent, { attemptId }: Task): void => {
	demand(!launched.has(attemptId), () => `${attemptId} was launched twice`);
	launched.add(attemptId);
	const used = agent.host.used();
	demand(used.cpuMillis <= agent.capacity.cpuMillis, () => `${agent.id} runs more than its CPU`);
	demand(used.memoryBytes <= agent.capacity.memoryBytes, () => `${agent.id} runs more than its memory`);
};

/** Right after the core decided, before the journal has it. */
export const checkDecided = (
	leader: SimCoordinator,
	{ events, refused, defects }: Turn,
	inputs: readonly Input[],
): void => {
	const [defect] = defects;
	if (defect) throw new Error(`the core could not deal with ${defect.subject}`, { cause: defect.error });
	const [refusal] = refused;
	if (refusal) throw new Error(`the core refused ${JSON.stringify(refusal.input)}`, { cause: refusal.error });
	const { state } = leader;
	for (const event of events) if (event.kind === "attemptLeased") checkRoom(state, event);
	const nowMs = leader.clock.nowMs();
	for (const input of inputs) {
		if (input.kind === "heartbeatReceived") leader.heardAtMs.set(input.heartbeat.agentId, nowMs);
		else if (input.kind === "leaderWasAway") leader.forgive(input.forMs);
	}
	if (inputs.some(({ kind }) => kind === "tick")) checkLeases(leader, nowMs);
};

/** What came back from being lost may be too much; nothing is added to that. */
const checkRoom = (state: MeshState, event: Extract<JournalEvent, { kind: "attemptLeased" }>): void => {
	for (const agentId of [event.agentId, ...event.memberIds]) checkRoomOn(state, agentId);
};

const checkRoomOn = (state: MeshState, agentId: AgentId): void => {
	const agent = state.agents.get(agentId);
	const node = agent?.node;
	const roomLeft = node && node.claimed.cpuMillis <= node.cpuMillis && node.claimed.memoryBytes <= node.memoryBytes;
	demand(roomLeft === true, () => `${agentId} was given more than it has`);
	let claimed = 0;
	for (const { step } of agent?.attempts ?? []) {
		if (step.definition.action.kind === "command") claimed += step.definition.resources.cpuMillis;
	}
	demand(claimed <= (node?.cpuMillis ?? 0), () => `attempts on ${agentId} claim ${claimed}`);
};

/** After a tick, whatever is leased is held by an agent that was heard within the lease. */
const checkLeases = ({ state, heardAtMs }: SimCoordinator, nowMs: number): void => {
	for (const { id, attempts } of state.agents.values()) {
		if (attempts.size === 0) continue;
		const silentMs = nowMs - (heardAtMs.get(id) ?? nowMs);
		demand(silentMs <= defaultCoreOptions.leaseMs, () => `${id} holds leases and was not heard for ${silentMs} ms`);
	}
};

const agentsOf = (event: JournalEvent): AgentId[] => {
	if (event.kind === "attemptLeased") return [event.agentId, ...event.memberIds];
	return "agentId" in event ? [event.agentId] : [];
};

/** An agent is told to leave only when that was asked, and nothing is left on it. */
export const checkLeaving = (
	view: View,
	agents: readonly SimAgent[],
	events: readonly JournalEvent[],
	effects: readonly Effect[],
): void => {
	// What was decided of it later in the same turn is seen already.
	const changed = new Set(events.flatMap(agentsOf));
	for (const effect of effects) {
		if (effect.kind !== "replyHeartbeat" || !effect.reply.leave) continue;
		const [id = ""] = effect.replyTo.split("/");
		if (changed.has(id as AgentId)) continue;
		const wishes = agents.some((agent) => agent.id === id && agent.hasDrained);
		demand(wishes || view.modes.get(id)?.leave === true, () => `${id} is told to leave, and nobody asked for it`);
		const [held] = view.liveOn(id);
		demand(held === undefined, () => `${id} is told to leave while it holds ${held}`);
	}
};

/** Leader and journal agree on the runs that a turn has touched. */
export const checkAgreement = (state: MeshState, view: View, events: readonly JournalEvent[]): void => {
	const touched = new Set<string>();
	for (const event of events) if ("runId" in event) touched.add(event.runId);
	for (const id of touched) checkRun(state.runs.get(id as never), view, id);
	demand(state.fence === view.fence, () => `the fence is ${state.fence}, the journal says ${view.fence}`);
};

const checkRun = (run: Run | undefined, view: View, id: string): void => {
	const seen = view.runs.get(id);
	if (!run || !seen) {
		return demand(
			isFinal(seen?.status ?? "") && !run,
			() => `${id} is ${run?.status} here and ${seen?.status} in the journal`,
		);
	}
	demand(run.status === seen.status, () => `${id} is ${run.status}, the journal says ${seen.status}`);
	demand(
		run.steps.size === seen.steps.size,
		() => `${id} has ${run.steps.size} steps, the journal says ${seen.steps.size}`,
	);
	let unsettled = 0;
	for (const step of run.steps.values()) {
		const other = seen.steps.get(step.key);
		const says = other ? statusOf(other) : "nothing";
		// A leader wakes steps from their backoff without telling the journal.
		const agree = step.status === says || (step.status === "ready" && says === "backoff");
		demand(agree, () => `${id}/${step.key} is ${step.status}, the journal says ${says}`);
		if (!isFinal(step.status)) unsettled += 1;
	}
	demand(unsettled === run.unsettled, () => `${id} counts ${run.unsettled} open steps of ${unsettled}`);
};

/** A result from the cache is what the step would have made. */
export const checkCacheHits = (runs: ReadonlyMap<string, Run>, events: readonly JournalEvent[]): void => {
	for (const event of events) {
		if (event.kind !== "cacheChecked" || !event.hit) continue;
		const run = runs.get(event.runId);
		const step = run?.steps.get(event.stepKey);
		if (!run || !step) continue;
		const outputs = Object.keys(step.definition.outputs).map((name) => ({ name }));
		const paramsJson = JSON.stringify(paramsOf(step));
		const work = {
			action: actionOf(step),
			env: environmentOf(step),
			inputs: inputsOf(step),
			paramsJson,
			code: run.code,
			outputs,
		};
		const wanted = resultOf(work);
		demand(
			step.outputs.every(({ digest }) => digest === wanted),
			() => `${run.id}/${step.key} was given another's result from ${event.sourceRunId}/${event.sourceStepKey}`,
		);
	}
};
