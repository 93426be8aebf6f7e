/** `resources` of a step or of `defaults`: what it takes of an agent, and which of that it said itself. */

import type { GpuRequest } from "../domain.ts";
import type { StepDefinition } from "./definition.ts";
import type { Problems } from "./problems.ts";
import { addExpected, type Fields, readFields, readInteger, readText, readUnit } from "./read.ts";
import { isGpuModel, MAX_GPUS, parseBytes, parseCpu, parseGpu } from "./units.ts";
import { refusal } from "./unsupported.ts";
import type { TreeNode } from "./yaml-tree.ts";

type Claims = Pick<StepDefinition, "resources" | "limits">;

export const readResources = (problems: Problems, node: TreeNode, base: Claims): Claims => {
	if (node.kind === "list") {
		problems.add(node, refusal("a list of alternative `resources`"), "choose one of them");
		return base;
	}
	const expected = "a mapping with cpu, memory, gpu and disk";
	const fields: Fields<"resources"> = readFields(problems, node, "resources", expected, isNamed) ?? {};
	const { cpu, memory, gpu, disk } = fields;
	const { resources, limits } = base;
	return {
		resources: {
			cpuMillis: cpu ? (readUnit(problems, cpu.value, parseCpu, CORES) ?? 0) : resources.cpuMillis,
			memoryBytes: memory ? (readSize(problems, memory.value) ?? 0) : resources.memoryBytes,
			gpu: gpu ? readGpu(problems, gpu.value) : resources.gpu,
			diskBytes: disk ? (readSize(problems, disk.value) ?? 0) : resources.diskBytes,
			named: { ...resources.named, ...readNamed(problems, node) },
		},
		limits: { cpu: limits.cpu || cpu !== undefined, memory: limits.memory || memory !== undefined },
	};
};

const CORES = "cores, such as 1, 0.5 or 500m";

const readSize = (problems: Problems, node: TreeNode): number | null =>
	readUnit(problems, node, parseBytes, "a size with its unit, such as 512Mi, 1Gi or 1GB");

/** The dot tells them from a key that is mistyped. */
const isNamed = (key: string): boolean => key.includes(".");

const RESOURCE = /^[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)+$/;
const MAX_RESOURCE_NAME = 63;
const MAX_NAMED = 1_000_000;

/** `license.matlab: 1`; 0 takes back what the defaults ask for. */
const readNamed = (problems: Problems, node: TreeNode): Record<string, number> => {
	const named: [string, number][] = [];
	for (const [name, { place, value }] of node.kind === "map" ? node.fields : []) {
		if (!isNamed(name)) continue;
		if (!RESOURCE.test(name) || name.length > MAX_RESOURCE_NAME) {
			const hint = "expected words with dots between them, such as license.matlab, at most 63 characters";
			problems.add(place, `\`${name.slice(0, MAX_RESOURCE_NAME)}\` is no name of a resource`, hint);
		}
		named.push([name, readInteger(problems, value, 0, MAX_NAMED) ?? 0]);
	}
	return Object.fromEntries(named);
};

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
