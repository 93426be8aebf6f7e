/** What the pipelines here ask by `if`, answered from the journal without the core's evaluator. */

import { demand, isFinal, type ViewStep } from "./seen.ts";

type Answer = (step: ViewStep, subject: string) => boolean;

/** The worst of a step's cells, as `.state` says it. */
const stateOf = ({ run }: ViewStep, name: string): string => {
	const cells = run.cells.get(name) ?? [];
	const has = (status: string): boolean => cells.some((cell) => cell.status === status);
	if (run.leftOut.has(name)) return "skipped";
	if (!cells.every(({ status }) => isFinal(status))) return "open";
	if (has("failed")) return "failed";
	if (has("cancelled")) return "cancelled";
	return cells.every(({ status }) => status === "skipped") ? "skipped" : "succeeded";
};

const needs = ({ run, definition }: ViewStep): string[] => definition.needs.filter((need) => !run.leftOut.has(need));
const succeeded = (step: ViewStep): boolean => needs(step).every((need) => stateOf(step, need) === "succeeded");
const failed = (step: ViewStep): boolean =>
	step.run.timedOut || needs(step).some((need) => stateOf(step, need) === "failed");

const answers: readonly [source: RegExp, answer: Answer][] = [
	[/^failed\(\)( && always\(\))?$/, failed],
	[/^always\(\)$/, () => true],
	[/^!succeeded\(\) \|\| params\.p > 1$/, (step) => !succeeded(step) || Number(step.run.params.p) > 1],
	[/^steps\.(\w+)\.state == 'failed' \|\|/, (step, subject) => ["failed", "skipped"].includes(stateOf(step, subject))],
	[/^steps\.(\w+)\.outputs\.verdict == "yes"$/, (step, subject) => verdictOf(step, subject) === '"yes"'],
	[/^steps\.(\w+)\.metrics\.score > 0\.4$/, (step, subject) => scoreOf(step, subject) > 0.4],
	[/^params\.p < 3$/, (step) => Number(step.run.params.p) < 3],
];

const verdictOf = ({ run }: ViewStep, name: string): string | undefined =>
	run.cells.get(name)?.[0]?.outputs.find((output) => output.name === "verdict")?.valueJson;

const scoreOf = ({ run }: ViewStep, name: string): number =>
	run.cells.get(name)?.[0]?.metrics.findLast((metric) => metric.name === "score")?.value ?? Number.NaN;

/** Whether the step's `if` holds, given what the journal has said. */
export const holds = (step: ViewStep): boolean => {
	const { condition } = step.definition;
	if (!condition) return true;
	for (const [source, answer] of answers) {
		const found = source.exec(condition.source);
		if (found) return (condition.statusAware || succeeded(step)) && answer(step, found[1] ?? "");
	}
	demand(false, () => `nobody knows what \`${condition.source}\` asks`);
	return false;
};
