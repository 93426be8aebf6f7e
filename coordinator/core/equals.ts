/** Equal steps run once: one runs for all, the others wait for its result. And what runs is recorded for later ones. */

import type { CodeUse } from "#shared/domain.ts";
import { type Key, keyOf, knownKey } from "./cache-key.ts";
import { identity } from "./graph.ts";
import type { MeshState, Step } from "./state.ts";
import { isSettled } from "./transitions.ts";
import { emit, type Turn } from "./turn.ts";

/** Waits for the equal one that runs, if there is one. */
export const waitsForEqual = ({ state }: Turn, step: Step, { exact }: Key): boolean => {
	if (!runnerFor(state, step)) return false;
	state.ready.park(step, equalTo(exact));
	return true;
};

const equalTo = (exact: string): string => `equal ${exact}`;

/** The step that runs for this one; null when none does. */
export const runnerFor = (state: MeshState, step: Step): Step | null => {
	const key = keyOf(step);
	const runner = key && state.runners.get(key.exact);
	return runner && runner !== step && !isSettled(runner.status) ? runner : null;
};

/** Once placed, and not before, it runs for all that are equal: they may fit where it does not. */
export const knowRunner = ({ state }: Turn, step: Step): void => {
	const key = step.attempts > 0 && !isSettled(step.status) ? keyOf(step) : null;
	if (key) state.runners.set(key.exact, step);
};

/** Those that waited for it look again. */
export const releaseEquals = ({ state }: Turn, step: Step): void => {
	const key = knownKey(step);
	if (!key || state.runners.get(key.exact) !== step) return;
	state.runners.delete(key.exact);
	state.ready.release(equalTo(key.exact));
};

export const recordResult = (turn: Turn, step: Step, codeUse: CodeUse | null): void => {
	const known = keyOf(step);
	if (!known) return;
	const { key, partsJson, paramsDigest } = known;
	const codeDigest = step.run.code?.digest ?? "";
	emit(turn, { kind: "cacheRecorded", ...identity(step), key, partsJson, codeDigest, codeUse, paramsDigest });
};
