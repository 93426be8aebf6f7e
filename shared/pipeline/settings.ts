/** What a step may set for itself or take from `defaults`: env, resources, labels, software, retries, times, priority. */

import type { CachePolicy, StepDefinition } from "./definition.ts";
import { checkTemplate, type TemplateScope } from "./expressions.ts";
import type { Problems } from "./problems.ts";
import { addExpected, type Fields, readDuration, readFields, readInteger, readMap, readScalar } from "./read.ts";
import { readResources } from "./read-resources.ts";
import { builtInRetries, readRetries } from "./read-retries.ts";
import { readSoftware } from "./read-software.ts";
import type { TreeNode } from "./yaml-tree.ts";

export type Settings = Pick<
	StepDefinition,
	| "env"
	| "resources"
	| "limits"
	| "labels"
	| "image"
	| "environment"
	| "nodes"
	| "retries"
	| "timeoutMs"
	| "graceMs"
	| "lostWaitMs"
	| "priority"
	| "cache"
>;

export const builtInSettings: Settings = {
	env: {},
	resources: { cpuMillis: 1000, memoryBytes: 256 * 1024 ** 2, gpu: null, diskBytes: 0, named: {} },
	limits: { cpu: false, memory: false },
	labels: {},
	image: "",
	environment: null,
	nodes: 1,
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
	const { env, resources, labels, nodes, retries, timeout, grace, on_lost: onLost, priority, cache } = fields;
	return {
		env: env ? { ...base.env, ...readEnv(problems, env.value, scope) } : base.env,
		...(resources
			? readResources(problems, resources.value, base)
			: { resources: base.resources, limits: base.limits }),
		labels: labels ? { ...base.labels, ...readLabels(problems, labels.value) } : base.labels,
		...readSoftware(problems, fields, base, scope),
		nodes: nodes ? (readInteger(problems, nodes.value, 1, MAX_NODES) ?? 1) : base.nodes,
		retries: retries ? readRetries(problems, retries.value, base.retries) : base.retries,
		timeoutMs: timeout ? (readDuration(problems, timeout.value) ?? 0) : base.timeoutMs,
		graceMs: grace ? readGrace(problems, grace.value) : base.graceMs,
		lostWaitMs: onLost ? readOnLost(problems, onLost.value) : base.lostWaitMs,
		priority: priority ? (readInteger(problems, priority.value, 0, 100) ?? 0) : base.priority,
		cache: cache ? readCache(problems, cache.value) : base.cache,
	};
};

/** Agents that one step runs on at once. */
const MAX_NODES = 64;
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
