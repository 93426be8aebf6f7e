/**
 * Steps with `cache`: one whose equal has run before takes its result, equal ones at the same time run once. What the
 * command, its inputs and its parameters are decides at once; whether the code that was read is still the same takes
 * its files, which the shell compares.
 */

import type { ArtifactRef } from "#shared/domain.ts";
import { evaluateGates } from "#shared/pipeline/gates.ts";
import { differences, type Key, keyOf } from "./cache-key.ts";
import { waitsForEqual } from "./equals.ts";
import { identity } from "./graph.ts";
import type { Input } from "./inputs.ts";
import type { CacheEntry } from "./result-cache.ts";
import { settleStep } from "./settle.ts";
import type { Step } from "./state.ts";
import { emit, type Turn } from "./turn.ts";

/**
 * run: it is to be placed. settled: by a recorded result. parked: until an answer comes, or its equal has ended.
 * later: nobody is online who could say what is held where.
 */
export type CacheAnswer = "run" | "settled" | "parked" | "later";

export const askCache = (turn: Turn, step: Step): CacheAnswer => {
	const key = keyOf(step);
	if (!key) return "run";
	if (step.run.cacheMode === "refresh") {
		if (!step.cacheMissed) miss(turn, step, null, "the run was asked to make its results anew");
	} else {
		const answer = look(turn, step, key);
		if (answer !== "run") return answer;
	}
	return waitsForEqual(turn, step, key) ? "parked" : "run";
};

const look = (turn: Turn, step: Step, key: Key): CacheAnswer => {
	const candidates = usable(turn, step, key);
	const codeDigest = step.run.code?.digest ?? "";
	const same = candidates.find((entry) => entry.codeDigest === codeDigest);
	if (same) return hit(turn, step, same);
	// It was looked at as far as that goes: only an equal one could have left something since.
	if (step.cacheMissed) return "run";
	if (candidates.length === 0 && isNobodyOnline(turn)) return "later";
	const uses = candidates.flatMap(({ codeDigest, codeUse }) => (codeUse ? [{ codeDigest, use: codeUse }] : []));
	const { code } = step.run;
	if (uses.length === 0 || !code) {
		// An equal that runs now may leave what this one takes.
		if (waitsForEqual(turn, step, key)) return "parked";
		missNearest(turn, step, key, candidates);
		return "run";
	}
	step.compared = candidates.filter(({ codeUse }) => codeUse !== null);
	turn.state.ready.park(step, comparing(step));
	turn.effects.push({ kind: "compareCode", ...identity(step), code, candidates: uses });
	return "parked";
};

const isNobodyOnline = ({ state }: Turn): boolean => ![...state.agents.values()].some(({ online }) => online);

/** The answer to `compareCode`. A step that has gone on meanwhile needs none. */
export const codeCompared = (turn: Turn, answer: Extract<Input, { kind: "codeCompared" }>): void => {
	const { runId, stepKey, match, differing } = answer;
	const step = turn.state.runs.get(runId)?.steps.get(stepKey);
	const key = step && keyOf(step);
	if (!step?.compared || !key) return;
	const entry = match === null ? undefined : step.compared[match];
	const compared = step.compared;
	step.compared = null;
	if (step.status !== "ready") return;
	turn.state.ready.release(comparing(step));
	if (entry && usable(turn, step, key).includes(entry)) hit(turn, step, entry);
	else missNearest(turn, step, key, compared, differing);
};

const comparing = ({ run, key }: Step): string => `code ${run.id} ${key}`;

/** Of the same parameters as far as they were read, young enough, all outputs within reach, and gates that hold. */
const usable = ({ state, nowMs }: Turn, { definition }: Step, key: Key): CacheEntry[] => {
	const { cache, gates, values } = definition;
	const isHeld = (holder: string): boolean =>
		holder === "coordinator" || (state.agents.get(holder as never)?.online ?? false);
	return state.results
		.find(key.key)
		.filter(
			({ atMs, outputs, metrics, ...entry }) =>
				paramsAgree(entry, key) &&
				(cache?.ttlMs === 0 || nowMs - atMs <= (cache?.ttlMs ?? 0)) &&
				outputs.every(({ holders }) => holders.some(isHeld)) &&
				unsaid(values, outputs) === undefined &&
				evaluateGates(gates, metrics).every(({ held }) => held),
		);
};

const paramsAgree = (entry: Pick<CacheEntry, "paramsDigest" | "codeUse">, { paramsDigest }: Key): boolean =>
	entry.paramsDigest === paramsDigest || entry.codeUse?.readsParams === false;

const hit = (turn: Turn, step: Step, { runId, stepKey, outputs, metrics }: CacheEntry): "settled" => {
	emit(turn, {
		...{ kind: "cacheChecked", ...identity(step), hit: true },
		...{ sourceRunId: runId, sourceStepKey: stepKey, reason: "" },
	});
	settleStep(turn, step, "succeeded", `taken from run ${runId}`, { outputs, metrics });
	return "settled";
};

/** `equal` are results of the same command and inputs whose code differs, the first by `differing`. */
const missNearest = (
	turn: Turn,
	step: Step,
	key: Key,
	equal: readonly CacheEntry[],
	differing: readonly string[] = [],
): void => {
	const [first] = equal;
	if (first) {
		const what = differing.length > 0 ? `: ${differing.join(", ")}` : "";
		return miss(turn, step, first, `the code that it reads differs${what}`);
	}
	const nearest = turn.state.results.find(key.key)[0] ?? turn.state.results.latest(step);
	if (!nearest) return miss(turn, step, null, "no result of this step is recorded");
	const differs = nearest.key !== key.key || !paramsAgree(nearest, key);
	const reason = differs ? differences(nearest.partsJson, key.partsJson).join("; ") : whyUnusable(turn, step, nearest);
	miss(turn, step, nearest, reason);
};

/** What is read as a value today, and was not when the result was recorded. */
const unsaid = (values: readonly string[], outputs: readonly ArtifactRef[]): string | undefined =>
	values.find((value) => outputs.find(({ name }) => name === value)?.valueJson === undefined);

const whyUnusable = ({ nowMs }: Turn, { definition }: Step, { atMs, metrics, outputs }: CacheEntry): string => {
	const ttlMs = definition.cache?.ttlMs ?? 0;
	if (ttlMs > 0 && nowMs - atMs > ttlMs) {
		return `the result is ${Math.round((nowMs - atMs) / 1000)} s old, older than its ttl of ${Math.round(ttlMs / 1000)} s`;
	}
	const missed = evaluateGates(definition.gates, metrics).find(({ held }) => !held);
	if (missed) return `its metrics do not hold the gate \`${missed.gate.source}\``;
	const mute = unsaid(definition.values, outputs);
	if (mute !== undefined) return `nothing was kept of what its output ${mute} says`;
	return "its outputs are held by no agent that is online";
};

const miss = (turn: Turn, step: Step, nearest: CacheEntry | null, reason: string): void =>
	emit(turn, {
		...{ kind: "cacheChecked", ...identity(step), hit: false },
		...{ sourceRunId: nearest?.runId ?? "", sourceStepKey: nearest?.stepKey ?? "", reason },
	});
