/** What a step may set for itself or take from `defaults`: env, resources, labels, retries, timeout, priority. */

import type { GpuRequest, Resources } from "../domain.ts";
import type { RetryCause, RetryPolicy, StepDefinition } from "./definition.ts";
import type { Problems } from "./problems.ts";
import {
	addExpected,
	checkTemplate,
	type Fields,
	listOf,
	readFields,
	readInteger,
	readMap,
	readOneOf,
	readScalar,
	readText,
	readUnit,
	type TemplateScope,
} from "./read.ts";
import { isGpuModel, MAX_GPUS, parseBytes, parseCpu, parseDuration, parseGpu } from "./units.ts";
import { refusal } from "./unsupported.ts";
import type { TreeNode } from "./yaml-tree.ts";

export type Settings = Pick<StepDefinition, "env" | "resources" | "labels" | "retries" | "timeoutMs" | "priority">;

/** A lost attempt has its own budget and needs no mention; what a retry can't mend (gates, outputs) is left out. */
export const builtInSettings: Settings = {
	env: {},
	resources: { cpuMillis: 1000, memoryBytes: 256 * 1024 ** 2, gpu: null },
	labels: {},
	retries: { max: 0, on: ["error", "timeout", "oom", "launch", "input", "disk"], delayMs: 1000, backoff: 2 },
	timeoutMs: 0,
	priority: 50,
};

/** On top of `base`, key by key: what is not set here stays as it is there. */
export const readSettings = (
	problems: Problems,
	fields: Fields<"defaults">,
	base: Settings,
	scope: TemplateScope,
): Settings => {
	const { env, resources, labels, retries, timeout, priority } = fields;
	return {
		env: env ? { ...base.env, ...readEnv(problems, env.value, scope) } : base.env,
		resources: resources ? readResources(problems, resources.value, base.resources) : base.resources,
		labels: labels ? { ...base.labels, ...readLabels(problems, labels.value) } : base.labels,
		retries: retries ? readRetries(problems, retries.value, base.retries) : base.retries,
		timeoutMs: timeout ? (readDuration(problems, timeout.value) ?? 0) : base.timeoutMs,
		priority: priority ? (readInteger(problems, priority.value, 0, 100) ?? 0) : base.priority,
	};
};

const readDuration = (problems: Problems, node: TreeNode): number | null =>
	readUnit(problems, node, parseDuration, "a duration up to 365d, such as 500ms, 10s, 30m or 2h");

const readEnv = (problems: Problems, node: TreeNode, scope: TemplateScope): Record<string, string> => {
	const env: [string, string][] = [];
	for (const [name, { place, value }] of readMap(problems, node, "a mapping of variables") ?? []) {
		if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
			problems.add(place, `\`${name}\` is no name of a variable`, "expected letters, digits and `_`, no digit first");
		} else if (/^RUNMESH_/i.test(name)) {
			problems.add(place, `\`${name}\` is set by runmesh itself`, "choose a name without RUNMESH_");
		}
		if (value.kind !== "scalar" || value.value === null) {
			addExpected(problems, value, "text, a number, true or false", 'write "" for an empty one');
			continue;
		}
		checkTemplate(problems, value, scope);
		// As written: a version 1.10 must not become 1.1.
		env.push([name, value.text]);
	}
	return Object.fromEntries(env);
};

const LABEL = /^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}$/;

const readLabels = (problems: Problems, node: TreeNode): Record<string, string> => {
	const labels: [string, string][] = [];
	for (const [name, { place, value }] of readMap(problems, node, "a mapping of labels") ?? []) {
		if (!LABEL.test(name)) problems.add(place, `\`${name}\` is no name of a label`);
		const read = readScalar(problems, value);
		if (read !== null && value.kind === "scalar") labels.push([name, value.text]);
	}
	return Object.fromEntries(labels);
};

const readResources = (problems: Problems, node: TreeNode, base: Resources): Resources => {
	if (node.kind === "list") {
		problems.add(node, refusal("a list of alternative `resources`"), "choose one of them");
		return base;
	}
	const fields = readFields(problems, node, "resources", "a mapping with cpu, memory and gpu");
	const { cpu, memory, gpu } = fields ?? {};
	return {
		cpuMillis: cpu ? (readUnit(problems, cpu.value, parseCpu, "cores, such as 1, 0.5 or 500m") ?? 0) : base.cpuMillis,
		memoryBytes: memory ? (readSize(problems, memory.value) ?? 0) : base.memoryBytes,
		gpu: gpu ? readGpu(problems, gpu.value) : base.gpu,
	};
};

const readSize = (problems: Problems, node: TreeNode): number | null =>
	readUnit(problems, node, parseBytes, "a size with its unit, such as 512Mi, 1Gi or 1GB");

/** `gpu: 0` takes back what the defaults ask for. */
const readGpu = (problems: Problems, node: TreeNode): GpuRequest | null => {
	if (node.kind === "scalar" && node.value === 0) return null;
	if (node.kind !== "map") {
		return readUnit(problems, node, parseGpu, `a count up to ${MAX_GPUS}, model:memory:count, or a mapping`);
	}
	const { count, memory, model } = readFields(problems, node, "gpu", "a mapping") ?? {};
	const name = model ? readText(problems, model.value, "the model's name, such as A100") : "";
	if (model && name !== null && !isGpuModel(name)) addExpected(problems, model.value, "the model's name, such as A100");
	return {
		count: count ? (readInteger(problems, count.value, 1, MAX_GPUS) ?? 1) : 1,
		memoryBytes: memory ? (readSize(problems, memory.value) ?? 0) : 0,
		model: name ?? "",
	};
};

const causes: readonly RetryCause[] = [
	"error",
	"timeout",
	"oom",
	"output",
	"input",
	"launch",
	"lost",
	"gate",
	"disk",
	"serving",
];
const MAX_RETRIES = 100;

/** `retries: 2`, or a mapping. */
const readRetries = (problems: Problems, node: TreeNode, base: RetryPolicy): RetryPolicy => {
	if (node.kind === "scalar") return { ...base, max: readInteger(problems, node, 0, MAX_RETRIES) ?? 0 };
	const fields = readFields(problems, node, "retries", "a number, or a mapping with max");
	const { max, on, delay, backoff } = fields ?? {};
	if (fields && !max && base.max === 0) problems.add(node, "expected `max`, how many retries there may be");
	return {
		max: max ? (readInteger(problems, max.value, 0, MAX_RETRIES) ?? 0) : base.max,
		on: on ? readCauses(problems, on.value) : base.on,
		delayMs: delay ? (readDuration(problems, delay.value) ?? 0) : base.delayMs,
		backoff: backoff ? readBackoff(problems, backoff.value) : base.backoff,
	};
};

const readCauses = (problems: Problems, node: TreeNode): RetryCause[] => {
	const read = listOf(node).map((item) => readOneOf(problems, item, causes));
	return [...new Set(read.filter((cause) => cause !== null))];
};

const readBackoff = (problems: Problems, node: TreeNode): number => {
	const value = node.kind === "scalar" ? node.value : null;
	if (typeof value === "number" && value >= 1 && value <= 100) return value;
	addExpected(problems, node, "a factor from 1 to 100");
	return 1;
};
