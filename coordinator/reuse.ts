/**
 * Which results of an earlier run a new one takes, and which steps it does not run at all: decided here, from the read
 * store, before the core is asked. A step takes a result of the same key and the same matrix values.
 */

import type { ReuseRequest, RunDetail, StepView } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { RunId, StepKey } from "#shared/ids.ts";
import { canonicalJson } from "#shared/pipeline/canonical.ts";
import type { ParamValue, PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";
import { expandSteps, isDynamic } from "#shared/pipeline/expand.ts";
import { suggest } from "#shared/pipeline/near.ts";
import type { ReusedStep } from "./core/events.ts";
import type { ReadStore } from "./store/store.ts";

export interface Reuse {
	reused: ReusedStep[];
	/** Names. */
	leftOut: string[];
	basedOn: RunId | "";
}

export type ReuseStore = Pick<ReadStore, "run" | "source" | "latestOf" | "resolveRun">;

export const resolveReuse = (
	store: ReuseStore,
	request: ReuseRequest | null,
	definition: PipelineDefinition,
	params: Record<string, ParamValue>,
): Reuse => {
	if (request === null) return { reused: [], leftOut: [], basedOn: "" };
	const base = baseRun(store, request.run, definition.name);
	const results = resultsOf(definition, base, canonicalJson(params) === canonicalJson(base.params));
	const verdicts = decide[request.mode](definition, base, results, {
		named: request.mode === "failed" ? new Set() : namedSteps(definition, request.steps),
		leftOut: new Set(store.source(base.id)?.leftOut),
	});
	const reused = definition.steps
		.filter(({ name }) => verdicts.get(name) === "take" || verdicts.get(name) === "takeCells")
		.flatMap((step) => results.cells(step));
	const leftOut = definition.steps.map(({ name }) => name).filter((name) => verdicts.get(name) === "leave");
	return { reused, leftOut, basedOn: base.id as RunId };
};

const baseRun = (store: ReuseStore, name: string, pipeline: string): RunDetail => {
	const id = name === "latest" ? store.latestOf(pipeline) : store.resolveRun(name);
	const run = id === null ? null : store.run(id);
	if (run) return run;
	throw new RunmeshError("RM_NOT_FOUND", `there is no earlier run of ${pipeline} to take results from`, {
		hint: "run it in full first, or name a run with --of",
	});
};

/** What becomes of a step by its name: of `takeCells` only some cells have a result, the others run. */
type Verdict = "run" | "take" | "takeCells" | "leave";

interface Results {
	/** Every cell has one. */
	complete(step: StepDefinition): boolean;
	/** Those there are. */
	cells(step: StepDefinition): ReusedStep[];
	/** Its `if` did not hold, and will not by anything that is the same. */
	staysSkipped(step: StepDefinition): boolean;
}

const resultsOf = (definition: PipelineDefinition, base: RunDetail, sameParams: boolean): Results => {
	const earlier = Map.groupBy(base.stepList, ({ name }) => name);
	const cells = Map.groupBy(expandSteps(definition), ({ definition: { name } }) => name);

	const resultOf = (view: StepView | undefined, step: StepDefinition): ReusedStep[] => {
		if (view?.state !== "succeeded") return [];
		const found = new Map(view.outputs.map((output) => [output.name, output]));
		const lacks = Object.keys(step.outputs).some((output) => !found.has(output));
		if (lacks || step.values.some((output) => found.get(output)?.valueJson === undefined)) return [];
		const origin = view.takenFrom?.step === view.key ? view.takenFrom.run : base.id;
		return [
			{
				stepKey: view.key as StepKey,
				matrixJson: canonicalJson(view.matrix),
				runId: origin as RunId,
				outputs: view.outputs,
				metrics: view.metrics,
			},
		];
	};
	const wanted = (step: StepDefinition): { key: string; matrixJson: string | null }[] =>
		isDynamic(step)
			? (earlier.get(step.name) ?? []).map(({ key }) => ({ key, matrixJson: null }))
			: (cells.get(step.name) ?? []).map(({ key, matrix }) => ({ key, matrixJson: canonicalJson(matrix) }));
	const found = (step: StepDefinition): ReusedStep[] => {
		const byKey = new Map(earlier.get(step.name)?.map((view) => [view.key, view]));
		return wanted(step).flatMap(({ key, matrixJson }) =>
			resultOf(byKey.get(key), step).filter((result) => matrixJson === null || result.matrixJson === matrixJson),
		);
	};
	return {
		cells: found,
		complete: (step) => {
			const count = wanted(step).length;
			return count > 0 && found(step).length === count;
		},
		staysSkipped: ({ name, condition }) =>
			sameParams && condition !== null && (earlier.get(name) ?? []).every(({ state }) => state === "skipped"),
	};
};

interface Asked {
	/** Steps to run, as the request says. */
	named: ReadonlySet<string>;
	/** What the earlier run left out. */
	leftOut: ReadonlySet<string>;
}

type Decide = (
	definition: PipelineDefinition,
	base: RunDetail,
	results: Results,
	asked: Asked,
) => ReadonlyMap<string, Verdict>;

/** What did not succeed runs, and all behind it. */
const decideFailed: Decide = ({ steps }, base, results, { leftOut }) => {
	if (base.finishedAtMs === null) {
		throw new RunmeshError("RM_CONFLICT", `run ${base.id} is ${base.state}: what of it fails is not known yet`, {
			hint: `wait for its end, or cancel it with \`runmesh runs cancel ${base.id}\``,
		});
	}
	const verdicts = new Map<string, Verdict>();
	for (const step of inOrder(steps)) {
		const { name, needs } = step;
		const isBehind = needs.some((need) => runsAgain(verdicts.get(need)));
		if (isBehind) verdicts.set(name, "run");
		else if (results.complete(step)) verdicts.set(name, "take");
		else if (leftOut.has(name)) verdicts.set(name, "leave");
		else if (!results.staysSkipped(step)) verdicts.set(name, "takeCells");
	}
	if (steps.some(({ name, phase }) => phase === "main" && runsAgain(verdicts.get(name)))) return verdicts;
	throw new RunmeshError("RM_CONFLICT", `nothing of run ${base.id} failed: there is nothing to run again`, {
		hint: `\`runmesh runs retry ${base.id} --all\` runs all of it again`,
	});
};

const runsAgain = (verdict: Verdict | undefined): boolean => verdict === "run" || verdict === "takeCells";

/** The steps named and all behind them run. */
const decideFrom: Decide = (definition, base, results, { named }) => {
	const { steps } = definition;
	const verdicts = new Map<string, Verdict>();
	for (const step of inOrder(steps)) {
		const { name, needs, phase } = step;
		if (named.has(name) || needs.some((need) => verdicts.get(need) === "run")) verdicts.set(name, "run");
		else if (results.complete(step)) verdicts.set(name, "take");
		else if (!results.staysSkipped(step) && phase === "main") verdicts.set(name, "leave");
	}
	checkReads(definition, base, verdicts);
	return verdicts;
};

/** The steps named run, on results that are all taken. */
const decideOnly: Decide = (definition, base, results, { named }) => {
	const { steps } = definition;
	const byName = new Map(steps.map((step) => [step.name, step]));
	const verdicts = new Map<string, Verdict>(steps.map(({ name }) => [name, named.has(name) ? "run" : "leave"]));
	const take = (name: string): void => {
		const step = byName.get(name);
		if (!step || verdicts.get(name) !== "leave" || !results.complete(step)) return;
		verdicts.set(name, "take");
		// Its cells are known only from the steps before it.
		if (isDynamic(step)) step.needs.forEach(take);
	};
	for (const name of named) byName.get(name)?.needs.forEach(take);
	checkReads(definition, base, verdicts);
	return verdicts;
};

const decide: Record<ReuseRequest["mode"], Decide> = { failed: decideFailed, from: decideFrom, only: decideOnly };

/** A step that runs must find what it reads. */
const checkReads = (
	{ name: pipeline, steps }: PipelineDefinition,
	base: RunDetail,
	verdicts: ReadonlyMap<string, Verdict>,
): void => {
	for (const step of steps) {
		if (verdicts.get(step.name) !== "run" || step.phase !== "main" || step.condition?.statusAware) continue;
		const missing = step.needs.find((need) => verdicts.get(need) === "leave" && reads(step, need));
		if (missing === undefined) continue;
		const states = new Set(base.stepList.filter(({ name }) => name === missing).map(({ state }) => state));
		const what = states.size === 0 ? ": that has no such step" : `, where it is ${[...states].join(" or ")}`;
		const of = base.pipeline === pipeline ? "" : ` of pipeline ${base.pipeline}`;
		const message = `${step.name} reads ${missing}, which has no result in run ${base.id}${of}${what}`;
		throw new RunmeshError("RM_CONFLICT", message, {
			hint: `run ${missing} too, or take the results of another run with --of`,
		});
	}
};

const reads = ({ inputs, action, matrix, condition, env }: StepDefinition, need: string): boolean =>
	Object.values(inputs).some(({ step }) => step === need) ||
	Object.values(matrix ?? {}).some((axis) => !Array.isArray(axis) && axis.step === need) ||
	(action.kind === "select" && action.from === need) ||
	(action.kind === "deploy" && (action.model.step === need || action.golden?.step === need)) ||
	(action.kind === "collect" && Object.values(action.outputs).some(({ step }) => step === need)) ||
	[condition?.source ?? "", action.kind === "command" ? action.command : "", ...Object.values(env)].some((text) =>
		text.includes(`steps.${need}.`),
	);

/** With what a sub-pipeline's name stands for. */
const namedSteps = ({ name: pipeline, steps }: PipelineDefinition, names: readonly string[]): Set<string> => {
	if (names.length === 0) throw new RunmeshError("RM_BAD_INPUT", "no step is named to run");
	const named = new Set<string>();
	for (const name of names) {
		const step = steps.find((candidate) => candidate.name === name);
		if (!step) {
			const known = steps.map((candidate) => candidate.name);
			const [ofCell = ""] = /^.+(?=\.\d+$)/.exec(name) ?? [];
			throw new RunmeshError("RM_NOT_FOUND", `pipeline ${pipeline} has no step "${name}"`, {
				hint: known.includes(ofCell) ? `name the step with all its cells: ${ofCell}` : suggest(name, known),
			});
		}
		if (step.phase === "onFailure") {
			throw new RunmeshError("RM_CONFLICT", `${name} runs only when a run has failed`, { hint: "name another step" });
		}
		named.add(name);
		if (step.action.kind !== "collect") continue;
		for (const inner of steps) if (inner.name.startsWith(`${name}.`)) named.add(inner.name);
	}
	return named;
};

/** Each behind the steps it needs. */
const inOrder = (steps: readonly StepDefinition[]): StepDefinition[] => {
	const byName = new Map(steps.map((step) => [step.name, step]));
	const ordered = new Set<StepDefinition>();
	const pending = [...steps].reverse();
	for (let step = pending.at(-1); step; step = pending.at(-1)) {
		const open = step.needs.flatMap((need) => {
			const needed = byName.get(need);
			return needed && !ordered.has(needed) ? needed : [];
		});
		if (open.length > 0 && !ordered.has(step)) pending.push(...open);
		else {
			ordered.add(step);
			pending.pop();
		}
	}
	return [...ordered];
};
