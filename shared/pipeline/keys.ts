/** Every key of the pipeline file that is carried out. docs/pipelines.md lists the same; a test compares them. */

export const keys = {
	pipeline: ["name", "params", "defaults", "steps", "on_failure", "timeout", "concurrency", "inputs", "outputs"],
	param: ["type", "default", "min", "max", "choices", "description"],
	defaults: [
		"retries",
		"timeout",
		"grace",
		"on_lost",
		"env",
		"resources",
		"labels",
		"priority",
		"cache",
		"image",
		"python",
		"conda",
		"node",
		"nodes",
	],
	step: [
		"run",
		"uses",
		"with",
		"needs",
		"if",
		"inputs",
		"matrix",
		"outputs",
		"env",
		"resources",
		"labels",
		"gates",
		"retries",
		"timeout",
		"grace",
		"on_lost",
		"cache",
		"concurrency",
		"priority",
		"shell",
		"workdir",
		"image",
		"python",
		"conda",
		"node",
		"nodes",
	],
	select: ["from", "metric", "mode"],
	deploy: ["model", "name", "replicas", "golden"],
	approve: ["message"],
	subPipeline: ["file", "params", "inputs"],
	resources: ["cpu", "memory", "gpu", "disk"],
	gpu: ["count", "memory", "model"],
	retries: ["max", "on", "delay", "backoff", "lost"],
	onLost: ["wait"],
	cache: ["ttl"],
	concurrency: ["group", "max", "cancel_in_progress"],
	python: ["requirements", "packages", "version"],
	conda: ["file"],
	node: ["folder"],
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
	when: "if",
	condition: "if",
	grace_period: "grace",
	container: "image",
	pip: "python",
	storage: "disk",
};

export type StepKind = "command" | "select" | "deploy" | "approve" | "pipeline" | "noop";

/** What the words of `uses` make. */
export const actions = {
	select: "select",
	deploy: "deploy",
	approve: "approve",
	pipeline: "pipeline",
	noop: "noop",
} as const satisfies Record<string, StepKind>;

/** Step keys that mean something to each kind; another one is refused, for it would have no effect. */
export const keysOfKind: Record<StepKind, readonly KeyOf<"step">[]> = {
	command: keys.step.filter((key) => key !== "uses" && key !== "with"),
	select: ["uses", "with", "needs", "if"],
	deploy: ["uses", "with", "needs", "if", "timeout"],
	approve: ["uses", "with", "needs", "if", "timeout", "concurrency"],
	pipeline: ["uses", "with", "needs", "if"],
	noop: [
		"uses",
		"needs",
		"if",
		"inputs",
		"matrix",
		"labels",
		"retries",
		"timeout",
		"on_lost",
		"concurrency",
		"priority",
	],
};
