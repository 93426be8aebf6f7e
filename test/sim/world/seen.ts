/** Runs and steps as the journal tells of them, and what follows from that. Shares no code with the core. */

import type { JournalEvent, ReusedStep, RunSubmitted } from "#coordinator/core/events.ts";
import type { ArtifactRef } from "#shared/domain.ts";
import type { ParamValue, PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";

export interface ViewAttempt {
	id: string;
	/** By rank. */
	agentIds: string[];
	/** What those that are done have left. */
	endedRanks: Map<number, ArtifactRef[]>;
	status: "leased" | "running" | "succeeded" | "failed" | "lost" | "cancelled" | "declined";
	end: Extract<JournalEvent, { kind: "attemptEnded" }> | null;
}

export type ViewStatus =
	| "open"
	| "ready"
	| "held"
	| "leased"
	| "running"
	| "backoff"
	| "succeeded"
	| "failed"
	| "cancelled"
	| "skipped";

export interface ViewStep {
	run: ViewRun;
	key: string;
	definition: StepDefinition;
	matrix: Record<string, ParamValue>;
	isTemplate: boolean;
	/** "open": waiting, or ready because nothing is left to wait for. */
	status: ViewStatus;
	attempt: ViewAttempt | null;
	attempts: number;
	failures: number;
	losses: number;
	notBeforeMs: number;
	cancelAsked: boolean;
	cacheHit: { runId: string; stepKey: string } | null;
	answer: boolean | null;
	outputs: Extract<JournalEvent, { kind: "stepSettled" }>["outputs"];
	metrics: Extract<JournalEvent, { kind: "stepSettled" }>["metrics"];
	reason: string;
}

export interface ViewRun {
	id: string;
	submitted: RunSubmitted;
	definition: PipelineDefinition;
	params: Record<string, ParamValue>;
	status: "queued" | "running" | "cancelling" | "succeeded" | "failed" | "cancelled";
	group: string;
	timedOut: boolean;
	cancelAsked: boolean;
	reused: ReadonlyMap<string, ReusedStep>;
	leftOut: ReadonlySet<string>;
	steps: Map<string, ViewStep>;
	cells: Map<string, ViewStep[]>;
}

const FINAL: ReadonlySet<string> = new Set(["succeeded", "failed", "cancelled", "skipped"]);
export const isFinal = (status: string): boolean => FINAL.has(status);

export class BrokenRule extends Error {}

export const demand = (holds: boolean, message: () => string): void => {
	if (!holds) throw new BrokenRule(message());
};

export const stepGroupOf = ({ definition, run, matrix }: ViewStep): string =>
	groupOf(definition.concurrency?.group ?? "", definition.params ?? run.params, matrix);

export const groupOf = (
	group: string,
	params: Record<string, ParamValue>,
	matrix: Record<string, ParamValue>,
): string =>
	group.replaceAll(/\$\{\{ (params|matrix)\.([\w.]+) \}\}/g, (_, space: string, name: string) =>
		String((space === "params" ? params : matrix)[name]),
	);

/** Every cell of every need has settled. */
export const needsAreClosed = ({ run, definition }: ViewStep): boolean =>
	definition.needs.every(
		(need) => run.leftOut.has(need) || (run.cells.get(need) ?? []).every(({ status }) => isFinal(status)),
	);

export const needsSucceeded = ({ run, definition }: ViewStep): boolean =>
	definition.needs.every(
		(need) => run.leftOut.has(need) || (run.cells.get(need) ?? []).every(({ status }) => status === "succeeded"),
	);

/** Nothing is left to wait for but a place. */
export const isReady = (step: ViewStep): boolean => {
	const { run, definition, status } = step;
	if (status === "ready" || status === "backoff") return true;
	if (status !== "open" || step.isTemplate || run.status === "queued") return false;
	return definition.condition?.statusAware ? needsAreClosed(step) : needsSucceeded(step);
};

/** As the core names it. */
export const statusOf = (step: ViewStep): string => {
	if (step.status !== "open") return step.status;
	const { run, definition } = step;
	if (definition.condition || run.leftOut.has(definition.name) || run.reused.has(step.key)) return "waiting";
	return isReady(step) ? "ready" : "waiting";
};
