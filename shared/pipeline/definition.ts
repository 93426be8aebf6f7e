/**
 * A pipeline, normalised: what the parser makes of a file and what the journal keeps. Defaults are filled in,
 * durations are milliseconds, sizes bytes, CPU thousandths of a core. Strings of `run`, `env` and `with` still
 * hold their `${{ … }}`; interpolate.ts resolves them when an attempt is made.
 */

import type { FailureCause, Resources, StepEnvironment } from "../domain.ts";

export type ParamValue = string | number | boolean;
export type ParamType = "string" | "integer" | "number" | "boolean";

export interface ParamDefinition {
	type: ParamType;
	/** null makes it required. */
	default: ParamValue | null;
	min: number | null;
	max: number | null;
	/** Empty allows any value. */
	choices: ParamValue[];
	/** For people. */
	description: string;
}

/** An earlier step's output: `prepare.dataset`. */
export interface OutputRef {
	step: string;
	output: string;
}

export type GateOperator = ">=" | "<=" | ">" | "<" | "==" | "!=";

export interface Gate {
	metric: string;
	operator: GateOperator;
	value: number;
	/** As written, for messages. */
	source: string;
}

export type StepAction =
	| {
			kind: "command";
			command: string;
			/** Interpreter and its flags; the command becomes the last argument. */
			shell: string[];
			/** Inside the code tree; "" is its root. */
			workdir: string;
	  }
	/** The best cell of a matrix step, whose outputs become this step's own. */
	| { kind: "select"; from: string; metric: string; mode: "max" | "min" }
	| { kind: "deploy"; model: OutputRef; golden: OutputRef | null; name: string; replicas: number }
	/** Waits for a person. */
	| { kind: "approve"; message: string }
	/** The end of a sub-pipeline, under its name in the file that uses it: its outputs are those of its steps. */
	| { kind: "collect"; outputs: Record<string, OutputRef> }
	| { kind: "noop" };

export type RetryCause = FailureCause;

export interface RetryPolicy {
	/** Attempts beyond the first. */
	max: number;
	on: RetryCause[];
	/** Failures with cause `error` are retried for these exit codes alone; empty for any. */
	exitCodes: number[];
	delayMs: number;
	/** Factor on the delay for each further retry. */
	backoff: number;
	/** Times the step may be lost, apart from `max`; with `lost` in `on`, further losses count as retries. */
	lost: number;
}

/** What a matrix axis holds: a value, or a mapping whose keys become `axis.key`. */
export type AxisValue = ParamValue | Record<string, ParamValue>;

/** When a step with `if` runs: its expression, asked once all needs have settled (condition.ts). */
export interface Condition {
	/** Without `${{` and `}}`. */
	source: string;
	/** It asks how needs ended, so that it is asked even when one has not succeeded. */
	statusAware: boolean;
}

/** At most `max` at once of those that name the same group, mesh-wide. */
export interface Concurrency {
	/** May hold `${{ params.x }}`. */
	group: string;
	max: number;
	/** A new run cancels those before it in the group; runs only. */
	cancelInProgress: boolean;
}

export interface CachePolicy {
	/** A result older than this is not taken; 0 is no limit. */
	ttlMs: number;
}

export interface StepDefinition {
	name: string;
	/** Explicit needs and those implied by inputs, `select` and `deploy`; no doubles. */
	needs: string[];
	/** Local name → where it comes from; found in $RUNMESH_INPUTS/<name>. */
	inputs: Record<string, OutputRef>;
	/**
	 * null without a matrix; its cells are the product of the axes, the last axis fastest. An axis may be the value of an
	 * earlier step's output, a JSON list: then the cells are made when that step has succeeded.
	 */
	matrix: Record<string, AxisValue[] | OutputRef> | null;
	condition: Condition | null;
	action: StepAction;
	/** Name → path relative to $RUNMESH_OUTPUTS. */
	outputs: Record<string, string>;
	/** Outputs that a matrix, a condition or an expression reads: the agent reports what they say. */
	values: string[];
	env: Record<string, string>;
	resources: Resources;
	/** Which of them the file says, so that an attempt is held to them; what is only assumed limits nobody. */
	limits: { cpu: boolean; memory: boolean };
	/** Container image; "" for a plain process. */
	image: string;
	environment: StepEnvironment | null;
	/** Agents that it runs on at once. */
	nodes: number;
	/** Each must equal the agent's label. */
	labels: Record<string, string>;
	gates: Gate[];
	retries: RetryPolicy;
	/** 0 is no limit. */
	timeoutMs: number;
	/** Between SIGTERM and SIGKILL. */
	graceMs: number;
	/** How long a lost attempt may still be heard of before another is started. */
	lostWaitMs: number;
	/** 0–100, higher first. */
	priority: number;
	/** null runs the step every time. */
	cache: CachePolicy | null;
	concurrency: Concurrency | null;
	/** Of the sub-pipeline it came with, where they replace the run's: may hold `${{ … }}` of the run's until submission. */
	params: Record<string, ParamValue> | null;
	/** Steps of `on_failure` run when all others have settled and the run has failed; they don't count for its outcome. */
	phase: "main" | "onFailure";
}

export interface PipelineDefinition {
	/** stored.ts reads older ones. */
	version: 3;
	name: string;
	params: Record<string, ParamDefinition>;
	/** For the whole run; 0 is no limit. */
	timeoutMs: number;
	concurrency: Concurrency | null;
	/** In the order of the file. */
	steps: StepDefinition[];
}

/** One thing wrong with a pipeline file. */
export interface PipelineProblem {
	file: string;
	/** From 1. */
	line: number;
	column: number;
	/** "steps.train.resources.gpu" */
	path: string;
	/** What is wrong and what was expected. */
	message: string;
	/** "did you mean …", or what to do; "" when there is nothing to add. */
	hint: string;
}
