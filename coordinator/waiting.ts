/** What holds up the steps of a run now: from the same state and the same funnel that will set them free. */

import type { WaitView } from "#shared/api.ts";
import type { RunId, StepKey } from "#shared/ids.ts";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { interpolate } from "#shared/pipeline/interpolate.ts";
import { isGroupFull } from "./core/assign.ts";
import { requestOf } from "./core/claims.ts";
import { runnerFor } from "./core/equals.ts";
import { scopeOf } from "./core/facts.ts";
import type { Agent, Attempt, MeshState, Run, Step } from "./core/state.ts";
import { isSettled } from "./core/transitions.ts";
import { type PlacementRequest, rejectReason } from "./placement/feasible.ts";
import { type AgentNode, emptied, unclaimed } from "./placement/node.ts";

type Blocker = WaitView["blockers"][number];

/** A long list says no more than its beginning. */
const BLOCKERS_TOLD = 20;

/** By step key, for steps that have not settled; a run that is queued says so for each of them. */
export const waitsOf = (state: MeshState, runId: RunId): Map<StepKey, WaitView[]> => {
	const waits = new Map<StepKey, WaitView[]>();
	const run = state.runs.get(runId);
	const known: Known = { admission: null, needs: new Map(), places: new Map() };
	for (const step of run?.steps.values() ?? []) {
		if (isSettled(step.status)) continue;
		waits.set(step.key, waitsOfStep(state, step, known));
	}
	return waits;
};

/** Told once for all steps that wait for the same: cells of a matrix share their needs, and ask for the same place. */
interface Known {
	admission: WaitView | null;
	needs: Map<StepDefinition, WaitView>;
	places: Map<StepDefinition, WaitView>;
}

/** What ends by itself in a moment is no news at once: a busy agent, a start, a comparison. */
const PATIENCE_MS = 5_000;

/** In a few words, by step key, for those that have something to say. */
export const waitReasons = (state: MeshState, runId: string, nowMs: number): Map<string, string> => {
	const reasons = new Map<string, string>();
	for (const [key, [first]] of waitsOf(state, runId as RunId)) {
		// That its run is queued, the run itself says.
		if (!first || first.for === "needs" || first.for === "retry" || first.for === "admission") continue;
		const isBrief = first.for === "capacity" || first.for === "agents" || first.what === COMPARED;
		const isNews = !isBrief || nowMs - (first.sinceMs ?? 0) >= PATIENCE_MS;
		if (isNews || first.what.startsWith("no agent")) reasons.set(key, first.what);
	}
	return reasons;
};

const waitsOfStep = (state: MeshState, step: Step, known: Known): WaitView[] => {
	const { run, status, definition } = step;
	const waits: WaitView[] = [];
	if (run.status === "queued") {
		known.admission ??= admission(state, run);
		waits.push(known.admission);
	}
	if (status === "waiting" && step.openNeeds > 0) {
		const open = known.needs.get(definition) ?? needs(step);
		known.needs.set(definition, open);
		waits.push(open);
	}
	if (status === "held") waits.push(approval(step));
	if (status === "backoff") waits.push(retry(step));
	if (status === "ready") waits.push(place(state, step, known.places));
	if (status === "leased" && step.attempt) waits.push(start(state, step, step.attempt));
	if (status === "running" && step.attempt) waits.push(...standstill(state, step.attempt));
	return waits;
};

const wait = (kind: WaitView["for"], what: string, sinceMs: number | null, blockers: Blocker[] = []): WaitView => ({
	for: kind,
	what,
	sinceMs,
	blockers: blockers.slice(0, BLOCKERS_TOLD),
});

const admission = ({ runGroups }: MeshState, run: Run): WaitView => {
	const ahead = [...(runGroups.get(run.group) ?? [])];
	const before = ahead.slice(0, ahead.indexOf(run));
	const max = run.definition.concurrency?.max ?? 1;
	const what = `its concurrency group ${run.group} lets ${max === 1 ? "one run" : `${max} runs`} go ahead at a time, ${before.length} ${before.length === 1 ? "is" : "are"} before it`;
	return wait(
		"admission",
		what,
		null,
		before.map(({ id, status }) => ({ kind: "run", id, reason: status })),
	);
};

const needs = ({ run, definition }: Step): WaitView => {
	const open = definition.needs.filter((need) => !run.leftOut.has(need) && (run.cellsOpen.get(need) ?? 0) > 0);
	const named = open.map((need) => {
		const cells = run.cells.get(need)?.length ?? 1;
		return cells === 1 ? need : `${need} (${run.cellsOpen.get(need)} of ${cells} cells open)`;
	});
	const blockers = open.flatMap((need) => (run.cells.get(need) ?? []).filter(({ status }) => !isSettled(status)));
	return wait(
		"needs",
		`it needs ${named.slice(0, BLOCKERS_TOLD).join(", ")}`,
		run.admittedAtMs || null,
		blockers.slice(0, BLOCKERS_TOLD).map(({ key, status }) => ({ kind: "step", id: key, reason: status })),
	);
};

const approval = (step: Step): WaitView => {
	const { run, key, definition, sinceMs } = step;
	const message = definition.action.kind === "approve" ? interpolate(definition.action.message, scopeOf(step)) : "";
	const how = `\`runmesh approve ${run.id} ${key}\``;
	return wait("approval", `a person must approve it${message ? ` (${message})` : ""}: ${how}`, sinceMs);
};

const retry = ({ notBeforeMs, attempt }: Step): WaitView =>
	wait(
		"retry",
		`it is started again after ${new Date(notBeforeMs).toISOString()}`,
		null,
		attempt?.status === "lost"
			? [{ kind: "agent", id: attempt.agentId, reason: "was lost with its attempt, and may still be heard of" }]
			: [],
	);

const start = (
	{ agents }: MeshState,
	{ key, definition }: Step,
	{ members, agentId, leasedAtMs }: Attempt,
): WaitView => {
	const busy = members.filter((member) => agents.get(member.agentId)?.preparing.has(member.id));
	const blockers = (busy.length > 0 ? busy : members.filter(({ started }) => !started)).map(
		(member): Blocker => ({ kind: "agent", id: member.agentId, reason: `prepares ${key}` }),
	);
	const [first] = busy;
	const what = first
		? `${first.agentId} ${preparation(definition)}`
		: `${agentId} has been given it and has not said yet that it runs`;
	return wait("agents", what, leasedAtMs, blockers);
};

/** What runs, and goes no further until its agent opens. */
const standstill = ({ agents }: MeshState, { members, status }: Attempt): WaitView[] => {
	const blockers = members.flatMap((member): Blocker[] => {
		const agent = agents.get(member.agentId);
		if (status !== "running" || !agent?.paused.has(member.id)) return [];
		return [{ kind: "agent", id: agent.id, reason: agent.node.closed || "opens" }];
	});
	const [first] = blockers;
	return first ? [wait("agents", `it stands still on ${first.id}: ${first.reason}`, null, blockers)] : [];
};

const preparation = ({ environment, image }: StepDefinition): string => {
	if (environment) return "sets up its environment: `runmesh logs -f` shows how far it is";
	return image === "" ? "brings its code and inputs" : "brings its code, inputs and image";
};

/** Why a ready step is not placed. */
const place = (state: MeshState, step: Step, places: Map<StepDefinition, WaitView>): WaitView => {
	const { definition, readyAtMs, group } = step;
	if (isGroupFull(state, step)) {
		const max = definition.concurrency?.max ?? 1;
		const holders = [...(state.stepGroups.get(group) ?? [])].map(({ run, key, status }): Blocker => {
			return { kind: "step", id: `${run.id}/${key}`, reason: status };
		});
		return wait("concurrency", `its concurrency group ${group} is full (at most ${max} at once)`, readyAtMs, holders);
	}
	const runner = runnerFor(state, step);
	if (runner) {
		const blocker: Blocker = { kind: "step", id: `${runner.run.id}/${runner.key}`, reason: runner.status };
		return wait("cache", "an equal step runs: its result will be taken", readyAtMs, [blocker]);
	}
	if (step.compared) return wait("cache", COMPARED, readyAtMs);
	if (definition.action.kind === "deploy") return deployment(state, step, definition.action.replicas);
	const known = step.declinedUntilMs === null ? places.get(definition) : undefined;
	const found = known ?? capacity(state, step);
	if (step.declinedUntilMs === null) places.set(definition, found);
	return { ...found, sinceMs: readyAtMs };
};

const COMPARED = "its code is compared with that of recorded results";

const deployment = (state: MeshState, { readyAtMs }: Step, replicas: number): WaitView => {
	const agents = [...state.agents.values()];
	const open = agents.filter(({ online, node }) => online && node.closed === "").length;
	const closed = agents.filter(({ node }) => node.closed !== "");
	return wait(
		"agents",
		`${replicas} ${replicas === 1 ? "agent is" : "agents are"} wanted to serve it, ${open} ${open === 1 ? "takes" : "take"} work`,
		readyAtMs,
		closed.map(({ id, node }) => ({ kind: "agent", id, reason: node.closed })),
	);
};

const capacity = (state: MeshState, step: Step): WaitView => {
	const request = requestOf(step);
	const agents = [...state.agents.values()];
	if (agents.length === 0) return wait("agents", "no agent has joined the mesh", null);
	const blockers = agents.map((agent): Blocker => {
		const reason = barred(agent, step) ?? rejectReason(agent.node, request) ?? "has room now";
		return { kind: "agent", id: agent.id, reason };
	});
	return wait(...verdict(state, request), null, blockers);
};

const barred = ({ id, stopping }: Agent, step: Step): string | null => {
	if ([...stopping.values()].includes(step)) return "still stops its part of the attempt before";
	return step.declinedUntilMs?.has(id) ? "handed it back a moment ago" : null;
};

/** Whether waiting helps: some agent could run it once there is room, or none ever can. */
const verdict = (state: MeshState, request: PlacementRequest): [WaitView["for"], string] => {
	const online = [...state.agents.values()].filter((agent) => agent.online);
	if (online.length === 0) return ["agents", "no agent is online"];
	const everReason = (node: AgentNode): string | null => rejectReason({ ...emptied(node), closed: "" }, request);
	const able = online.filter(({ node }) => everReason(node) === null);
	const shut = able.filter(({ node }) => node.closed !== "");
	const { agents: wanted } = request;
	const many = `${wanted} agents at once are wanted`;
	if (able.length - shut.length >= wanted) {
		const open = able.filter(({ node }) => node.closed === "");
		const used = open.flatMap(({ id, node }) => {
			const reason = rejectReason(unclaimed(node), request);
			return reason === null ? [] : [`${id}: ${reason}`];
		});
		if (used.length === open.length) return ["capacity", `others use what it needs: ${told(used)}`];
		return ["capacity", wanted === 1 ? "agents that could run it are busy" : many];
	}
	if (able.length >= wanted) {
		const why = told(shut.map(({ id, node }) => `${id}: ${node.closed}`));
		return ["agents", `${wanted === 1 ? "" : `${many}; `}agents that could run it take nothing new now: ${why}`];
	}
	if (able.length > 0) return ["capacity", `${many}, ${able.length} could run it`];
	return ["capacity", `no agent can run it: ${told(online.map(({ id, node }) => `${id}: ${everReason(node)}`))}`];
};

const REASONS_TOLD = 3;

const told = (reasons: readonly string[]): string => {
	const more = reasons.length - REASONS_TOLD;
	return [...reasons.slice(0, REASONS_TOLD), ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
};
