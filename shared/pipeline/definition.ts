/**
 * A pipeline, normalised: what the parser makes of a file and what the journal keeps. Defaults are filled in,
 * durations are milliseconds, sizes bytes, CPU thousandths of a core. Strings of `run`, `env` and `with` still
 * hold their `${{ … }}`; interpolate.ts resolves them when an attempt is made.
 */

import type { FailureCause, Resources } from "../domain.ts";

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
	| { kind: "noop" };

export type RetryCause = FailureCause;

export interface RetryPolicy {
	/** Attempts beyond the first. A `lost` attempt has a budget of its own beside this one. */
	max: number;
	on: RetryCause[];
	delayMs: number;
	/** Factor on the delay for each further retry. */
	backoff: number;
}

export interface StepDefinition {
	name: string;
	/** Explicit needs and those implied by inputs, `select` and `deploy`; no doubles. */
	needs: string[];
	/** Local name → where it comes from; found in $RUNMESH_INPUTS/<name>. */
	inputs: Record<string, OutputRef>;
	/** null without a matrix; its cells are the product of the axes, the last axis fastest. */
	matrix: Record<string, ParamValue[]> | null;
	action: StepAction;
	/** Name → path relative to $RUNMESH_OUTPUTS. */
	outputs: Record<string, string>;
	env: Record<string, string>;
	resources: Resources;
	/** Each must equal the agent's label. */
	labels: Record<string, string>;
	gates: Gate[];
	retries: RetryPolicy;
	/** 0 is no limit. */
	timeoutMs: number;
	/** 0–100, higher first. */
	priority: number;
}

export interface PipelineDefinition {
	version: 1;
	name: string;
	params: Record<string, ParamDefinition>;
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
