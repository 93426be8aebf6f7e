/** `retries` of a step or of `defaults`: how often, for what, and after which wait. */

import type { RetryCause, RetryPolicy } from "./definition.ts";
import { didYouMean } from "./near.ts";
import type { Problems } from "./problems.ts";
import { addExpected, listOf, readDuration, readFields, readInteger } from "./read.ts";
import type { TreeNode } from "./yaml-tree.ts";

/** What a retry can't mend (gates, outputs) is left out. */
export const builtInRetries: RetryPolicy = {
	max: 0,
	on: ["error", "timeout", "oom", "launch", "input", "disk", "setup"],
	exitCodes: [],
	delayMs: 1000,
	backoff: 2,
	lost: 3,
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
	"setup",
];
const MAX_RETRIES = 100;

/** `retries: 2`, or a mapping. */
export const readRetries = (problems: Problems, node: TreeNode, base: RetryPolicy): RetryPolicy => {
	if (node.kind === "scalar") return { ...base, max: readInteger(problems, node, 0, MAX_RETRIES) ?? 0 };
	const fields = readFields(problems, node, "retries", "a number, or a mapping with max");
	const { max, on, delay, backoff, lost } = fields ?? {};
	if (fields && !max && !lost && base.max === 0) {
		problems.add(node, "expected `max`, how many retries there may be");
	}
	return {
		max: max ? (readInteger(problems, max.value, 0, MAX_RETRIES) ?? 0) : base.max,
		...(on ? readCauses(problems, on.value) : { on: base.on, exitCodes: base.exitCodes }),
		delayMs: delay ? (readDuration(problems, delay.value) ?? 0) : base.delayMs,
		backoff: backoff ? readBackoff(problems, backoff.value) : base.backoff,
		lost: lost ? (readInteger(problems, lost.value, 0, MAX_RETRIES) ?? 0) : base.lost,
	};
};

/** Exit codes stand for `error` with these codes alone. */
const readCauses = (problems: Problems, node: TreeNode): Pick<RetryPolicy, "on" | "exitCodes"> => {
	const on = new Set<RetryCause>();
	const exitCodes = new Set<number>();
	const items = listOf(node);
	for (const item of items) {
		const text = item.kind === "scalar" ? item.text : "";
		const cause = causes.find((each) => each === text);
		if (cause) on.add(cause);
		else if (isExitCode(item)) exitCodes.add(Number(text));
		else {
			const expected = `one of ${causes.join(", ")}, or an exit code from 1 to 255`;
			addExpected(problems, item, expected, () => didYouMean(text, causes));
		}
	}
	if (on.has("error") && exitCodes.size > 0) {
		const codes = [...exitCodes].join(", ");
		problems.add(node, `\`error\` is any exit code, ${codes} too`, "remove `error`, or the codes");
	}
	if (exitCodes.size > 0) on.add("error");
	return { on: [...on], exitCodes: [...exitCodes].sort((a, b) => a - b) };
};

const isExitCode = (node: TreeNode): boolean => {
	const value = node.kind === "scalar" ? node.value : null;
	return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 255;
};

const readBackoff = (problems: Problems, node: TreeNode): number => {
	const value = node.kind === "scalar" ? node.value : null;
	if (typeof value === "number" && value >= 1 && value <= 100) return value;
	addExpected(problems, node, "a factor from 1 to 100");
	return 1;
};
