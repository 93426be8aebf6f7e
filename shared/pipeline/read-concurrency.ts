/** `concurrency` of a pipeline or a step: its group, and how many of it may run at once. */

import type { Concurrency } from "./definition.ts";
import { readTemplate, type TemplateScope } from "./expressions.ts";
import type { Problems } from "./problems.ts";
import { addExpected, readFields, readInteger } from "./read.ts";
import type { TreeNode } from "./yaml-tree.ts";

const MAX_GROUP = 200;
const MAX_AT_ONCE = 10_000;

/** `concurrency: name`, or a mapping with `group`. */
export const readConcurrency = (
	problems: Problems,
	node: TreeNode,
	of: "pipeline" | "step",
	scope: TemplateScope,
): Concurrency | null => {
	if (node.kind !== "map") {
		const group = readGroup(problems, node, scope);
		return group === null ? null : { group, max: 1, cancelInProgress: false };
	}
	const fields = readFields(problems, node, "concurrency", "a name, or a mapping with group") ?? {};
	const { group, max, cancel_in_progress: cancel } = fields;
	if (!group) problems.add(node, "expected `group`, which names those that count together");
	if (cancel && of === "step") {
		problems.add(
			cancel.place,
			"`cancel_in_progress` has a meaning for whole runs only",
			"put it at the top of the file",
		);
	}
	return {
		group: (group && readGroup(problems, group.value, scope)) ?? "",
		max: max ? (readInteger(problems, max.value, 1, MAX_AT_ONCE) ?? 1) : 1,
		cancelInProgress: cancel ? readFlag(problems, cancel.value) : false,
	};
};

const readGroup = (problems: Problems, node: TreeNode, scope: TemplateScope): string | null =>
	readTemplate(problems, node, scope, {
		expected: "the name of a group",
		hint: "how many at once is `max`: {group: gpu-lab, max: 2}",
		maxLength: MAX_GROUP,
	});

const readFlag = (problems: Problems, node: TreeNode): boolean => {
	if (node.kind === "scalar" && typeof node.value === "boolean") return node.value;
	addExpected(problems, node, "true or false");
	return false;
};
