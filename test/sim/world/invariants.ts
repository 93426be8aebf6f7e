/** What must hold at every tick, and what must hold at the end. */

import { apply } from "#coordinator/core/apply.ts";
import type { JournalEvent } from "#coordinator/core/events.ts";
import { newMeshState } from "#coordinator/core/state.ts";
import { batchCodec } from "#coordinator/journal/codec.ts";
import type { World } from "./world.ts";

class InvariantError extends Error {}

const demand = (holds: boolean, message: string): void => {
	if (!holds) throw new InvariantError(message);
};

export const checkNow = (world: World): void => {
	for (const agent of world.agents) {
		demand(agent.usedCpuMillis() <= agent.cpuMillis, `${agent.id} runs more than it has`);
		for (const [attempt, count] of agent.launches) demand(count === 1, `${attempt} was launched ${count} times`);
		agent.launches.clear();
	}
};

export const checkEnd = (world: World): void => {
	const events = world.nats.journal.flatMap((data) => batchCodec.decode(data).events);
	const finished = new Set<string>();
	const settled = new Set<string>();
	const live = new Map<string, string>();
	for (const event of events) {
		if (event.kind === "runFinished") {
			demand(!finished.has(event.runId), `${event.runId} finished twice`);
			finished.add(event.runId);
		}
		if (event.kind === "stepSettled") {
			const step = `${event.runId}/${event.stepKey}`;
			demand(!settled.has(step), `${step} settled twice`);
			settled.add(step);
		}
		checkLive(event, live);
	}
	// The fold itself throws on an impossible move.
	const replayed = newMeshState();
	for (const event of events) apply(replayed, event);
	for (const run of world.acknowledged) demand(finished.has(run), `${run} was acknowledged and never finished`);
	demand(replayed.runs.size === 0, `${[...replayed.runs.keys()]} never finished`);
	demand(replayed.attempts.size === 0, `${[...replayed.attempts.keys()]} never ended`);
	for (const agent of world.agents) {
		demand(agent.state.attempts.size === 0, `${agent.id} still holds ${[...agent.state.attempts.keys()]}`);
		demand(agent.disk.size === 0, `${agent.id} keeps ${[...agent.disk.keys()]} on disk`);
		const node = world.leader.state.agents.get(agent.id)?.node;
		demand(!node || (node.freeCpuMillis === node.cpuMillis && node.claims === 0), `claims on ${agent.id} leak`);
	}
};

/** One live lease a step: another is given only after the one before has ended. */
const checkLive = (event: JournalEvent, live: Map<string, string>): void => {
	if (event.kind !== "attemptLeased" && event.kind !== "attemptEnded") return;
	const step = `${event.runId}/${event.stepKey}`;
	if (event.kind === "attemptEnded") {
		live.delete(step);
		return;
	}
	demand(!live.has(step), `${step} has two live leases`);
	live.set(step, event.attemptId);
};
