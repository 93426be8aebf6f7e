/** What a step may set for itself or take from `defaults`: env, resources, labels, retries, times, priority, cache. */

import type { GpuRequest, Resources } from "../domain.ts";
import type { CachePolicy, StepDefinition } from "./definition.ts";
import { checkTemplate, type TemplateScope } from "./expressions.ts";
import type { Problems } from "./problems.ts";
import {
	addExpected,
	type Fields,
	readDuration,
	readFields,
	readInteger,
	readMap,
	readScalar,
	readText,
	readUnit,
} from "./read.ts";
import { builtInRetries, readRetries } from "./read-retries.ts";
import { isGpuModel, MAX_GPUS, parseBytes, parseCpu, parseGpu } from "./units.ts";
import { refusal } from "./unsupported.ts";
import type { TreeNode } from "./yaml-tree.ts";

export type Settings = Pick<
	StepDefinition,
	"env" | "resources" | "labels" | "retries" | "timeoutMs" | "graceMs" | "lostWaitMs" | "priority" | "cache"
>;

export const builtInSettings: Settings = {
	env: {},
	resources: { cpuMillis: 1000, memoryBytes: 256 * 1024 ** 2, gpu: null },
	labels: {},
	retries: builtInRetries,
	timeoutMs: 0,
	graceMs: 10_000,
	lostWaitMs: 0,
	priority: 50,
	cache: null,
};

/** On top of `base`, key by key: what is not set here stays as it is there. */
export const readSettings = (
	problems: Problems,
	fields: Fields<"defaults">,
	base: Settings,
	scope: TemplateScope,
): Settings => {
	const { env, resources, labels, retries, timeout, grace, on_lost: onLost, priority, cache } = fields;
	return {
		env: env ? { ...base.env, ...readEnv(problems, env.value, scope) } : base.env,
		resources: resources ? readResources(problems, resources.value, base.resources) : base.resources,
		labels: labels ? { ...base.labels, ...readLabels(problems, labels.value) } : base.labels,
		retries: retries ? readRetries(problems, retries.value, base.retries) : base.retries,
		timeoutMs: timeout ? (readDuration(problems, timeout.value) ?? 0) : base.timeoutMs,
		graceMs: grace ? readGrace(problems, grace.value) : base.graceMs,
		lostWaitMs: onLost ? readOnLost(problems, onLost.value) : base.lostWaitMs,
		priority: priority ? (readInteger(problems, priority.value, 0, 100) ?? 0) : base.priority,
		cache: cache ? readCache(problems, cache.value) : base.cache,
	};
};

const MAX_GRACE_MS = 3_600_000;

const readGrace = (problems: Problems, node: TreeNode): number => {
	const graceMs = readDuration(problems, node);
	if (graceMs !== null && graceMs > MAX_GRACE_MS) addExpected(problems, node, "at most 1h");
	return graceMs ?? 0;
};

/** `restart`, or `{wait: 10m}`. */
const readOnLost = (problems: Problems, node: TreeNode): number => {
	if (node.kind === "scalar" && node.value === "restart") return 0;
	if (node.kind !== "map") {
		addExpected(problems, node, "`restart` or {wait: 10m}", "an attempt that is heard of within that time goes on");
		return 0;
	}
	const { wait } = readFields(problems, node, "onLost", "a mapping with wait") ?? {};
	if (!wait) problems.add(node, "expected `wait`, how long a lost attempt may still be heard of");
	return wait ? (readDuration(problems, wait.value) ?? 0) : 0;
};

/** `true`, `false`, or `{ttl: 7d}`. */
const readCache = (problems: Problems, node: TreeNode): CachePolicy | null => {
	if (node.kind === "scalar" && typeof node.value === "boolean") return node.value ? { ttlMs: 0 } : null;
	if (node.kind !== "map") {
		addExpected(problems, node, "true, false or {ttl: 7d}");
		return null;
	}
	const { ttl } = readFields(problems, node, "cache", "a mapping with ttl") ?? {};
	const ttlMs = ttl ? readDuration(problems, ttl.value) : 0;
	if (ttl && ttlMs === 0) addExpected(problems, ttl.value, "how long a result is taken", "`cache: false` takes none");
	return { ttlMs: ttlMs ?? 0 };
};

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
