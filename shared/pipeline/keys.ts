/** Every key of the pipeline file that is carried out. docs/pipelines.md lists the same; a test compares them. */

export const keys = {
	pipeline: ["name", "params", "defaults", "steps"],
	param: ["type", "default", "min", "max", "choices"],
	defaults: ["retries", "timeout", "env", "resources", "labels", "priority"],
	step: [
		"run",
		"uses",
		"with",
		"needs",
		"inputs",
		"matrix",
		"outputs",
		"env",
		"resources",
		"labels",
		"gates",
		"retries",
		"timeout",
		"priority",
		"shell",
		"workdir",
	],
	select: ["from", "metric", "mode"],
	deploy: ["model", "name", "replicas", "golden"],
	resources: ["cpu", "memory", "gpu"],
	gpu: ["count", "memory", "model"],
	retries: ["max", "on", "delay", "backoff"],
} as const;

export type KeyTable = typeof keys;
export type KeyedMap = keyof KeyTable;
export type KeyOf<M extends KeyedMap> = KeyTable[M][number];

/** What other tools call these keys. */
export const otherNames: Readonly<Record<string, KeyOf<KeyedMap>>> = {
	command: "run",
	commands: "run",
	script: "run",
	depends_on: "needs",
	environment: "env",
	artifacts: "outputs",
	retry: "retries",
	parameters: "params",
	jobs: "steps",
	mem: "memory",
};

export type StepKind = "command" | "select" | "deploy" | "noop";

/** What the words of `uses` make. */
export const actions = { select: "select", deploy: "deploy", noop: "noop" } as const satisfies Record<string, StepKind>;

/** Step keys that mean something to each kind; another one is refused, for it would have no effect. */
export const keysOfKind: Record<StepKind, readonly KeyOf<"step">[]> = {
	command: keys.step.filter((key) => key !== "uses" && key !== "with"),
	select: ["uses", "with", "needs"],
	deploy: ["uses", "with", "needs", "timeout"],
	noop: ["uses", "needs", "inputs", "matrix", "labels", "retries", "timeout", "priority"],
};
