/** Why a step that could run does not, in words, from the same funnel that places it. */

import { requestedResources } from "./core/claims.ts";
import type { MeshState, Step } from "./core/state.ts";
import { emptied, rejectReason } from "./placement/feasible.ts";

/** A busy agent is no news at once. */
const PATIENCE_MS = 5_000;
const AGENTS_NAMED = 3;

/** By step key, for ready steps that have something to say. */
export const waitReasons = (state: MeshState, runId: string, nowMs: number): Map<string, string> => {
	const reasons = new Map<string, string>();
	// Cells of one matrix ask for the same.
	const known = new Map<object, string>();
	for (const step of state.runs.get(runId as Step["run"]["id"])?.steps.values() ?? []) {
		if (step.status !== "ready") continue;
		const reason = known.get(step.definition) ?? waitReason(state, step, nowMs);
		known.set(step.definition, reason);
		if (reason) reasons.set(step.key, reason);
	}
	return reasons;
};

const waitReason = (state: MeshState, step: Step, nowMs: number): string => {
	const { action, labels } = step.definition;
	const online = [...state.agents.values()].filter((agent) => agent.online);
	if (online.length === 0) return "no agent is online";
	if (action.kind === "deploy") {
		const open = online.filter((agent) => agent.node.closed === "").length;
		return `${action.replicas} agents are wanted to serve it, ${open} take work`;
	}
	const request = { resources: requestedResources(step), labels };
	const misfits = online.flatMap(({ id, node }) => {
		const reason = rejectReason(emptied(node), request);
		return reason ? [`${id}: ${reason}`] : [];
	});
	if (misfits.length === online.length) {
		const more = misfits.length > AGENTS_NAMED ? `; and ${misfits.length - AGENTS_NAMED} more` : "";
		return `no agent can run it: ${misfits.slice(0, AGENTS_NAMED).join("; ")}${more}`;
	}
	if (nowMs - step.readyAtMs < PATIENCE_MS) return "";
	return step.declinedUntilMs.size > 0
		? `agents that could run it are busy or handed it back: ${[...step.declinedUntilMs.keys()].join(", ")}`
		: "agents that could run it are busy";
};
