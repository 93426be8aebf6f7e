/** Journaled state as a text: what two coordinators that have read the same journal must agree on. */

import { dumpState, writeDump } from "#coordinator/core/snapshot.ts";
import type { MeshState } from "#coordinator/core/state.ts";

/** A leader wakes steps from their backoff without telling the journal: for it they are ready, for others not yet. */
const WOKEN = "ready or in backoff";

/** When agents were last told is no part of the journal. */
const TOLD_AT = /"putAtMs":\d+/g;

export const pictureOf = (state: MeshState): string => {
	const parts = [...writeDump(dumpState(state))].map((text) => JSON.parse(text));
	const { mesh } = parts.at(-1);
	const refs = (list: readonly (readonly string[])[]): string[] => list.map((ref) => ref.join("/")).sort();
	return JSON.stringify({
		runs: parts.filter(({ kind }) => kind === "run"),
		steps: parts.filter(({ kind }) => kind === "steps").map(({ runId, steps }) => [runId, steps.map(pictureOfStep)]),
		results: parts.filter(({ kind }) => kind === "results"),
		fields: { ...mesh.fields, deployments: JSON.stringify(mesh.fields.deployments)?.replaceAll(TOLD_AT, "") },
		attempts: refs(mesh.attempts),
		ready: refs([...mesh.ready, ...mesh.backoff]),
		held: refs(mesh.held),
		runGroups: mesh.runGroups,
		stepGroups: mesh.stepGroups.map(([group, steps]: [string, string[][]]) => [group, refs(steps)]).sort(),
		agents: mesh.agents
			.map(({ id, attempts }: { id: string; attempts: string[][] }) => [id, refs(attempts)])
			.filter(([, attempts]: [string, string[]]) => attempts.length > 0)
			.sort(),
	});
};

const pictureOfStep = ({ fields, ...step }: { fields: Record<string, unknown>; attempt?: unknown }) => {
	const { story: _, sinceMs, readyAtMs, status, ...rest } = fields;
	const isWoken = status === "ready" || status === "backoff";
	return { ...step, ...rest, status: isWoken ? WOKEN : status, times: step.attempt ? null : [readyAtMs, sinceMs] };
};

/** Where two pictures differ first. */
export const firstDifference = (here: unknown, there: unknown, path = ""): string => {
	const [own, other] = [asRecord(here), asRecord(there)];
	if (!own || !other) return here === there ? "" : `${path}: ${JSON.stringify(here)} and ${JSON.stringify(there)}`;
	for (const key of new Set([...Object.keys(own), ...Object.keys(other)])) {
		const found = firstDifference(own[key], other[key], `${path}.${key}`);
		if (found !== "") return found;
	}
	return "";
};

const asRecord = (value: unknown): Record<string, unknown> | null =>
	value !== null && typeof value === "object" ? (value as Record<string, unknown>) : null;
