/** What a step does: its `run` with shell and workdir, or its `uses` with `with`. */

import type { OutputRef, StepAction } from "./definition.ts";
import { checkTemplate, readTemplate, type TemplateScope } from "./expressions.ts";
import { actions, type StepKind } from "./keys.ts";
import { didYouMean } from "./near.ts";
import type { Place, Problems } from "./problems.ts";
import { addExpected, type Fields, readFields, readInteger, readName, readOneOf, readText } from "./read.ts";
import { readPath } from "./read-paths.ts";
import type { Field, TreeNode } from "./yaml-tree.ts";

export interface ActionContext {
	problems: Problems;
	scope: TemplateScope;
	/** Reads `step.output` and links this step to it. */
	ref: (node: TreeNode) => OutputRef;
	/** Links this step to another as a whole. */
	link: (place: Place, step: string) => void;
}

/** null when it can't be told; the problem has been added. */
export const readKind = (problems: Problems, step: Place, { run, uses }: Fields<"step">): StepKind | null => {
	if (run && uses) {
		problems.add(uses.place, "`run` and `uses` exclude each other", "remove one of them");
		return null;
	}
	if (run) return "command";
	if (!uses) {
		problems.add(step, "expected `run` or `uses`", "`uses: noop` runs nothing");
		return null;
	}
	const words = Object.keys(actions) as (keyof typeof actions)[];
	const word = uses.value.kind === "scalar" ? uses.value.text : "";
	const known = words.find((each) => each === word);
	if (known) return actions[known];
	addExpected(problems, uses.value, `one of ${words.join(", ")}`, () => didYouMean(word, words));
	return null;
};

export const readAction = (
	context: ActionContext,
	step: Place,
	kind: StepKind | null,
	fields: Fields<"step">,
): StepAction => {
	switch (kind) {
		case "command":
			return readCommand(context, fields);
		case "select":
			return readSelect(context, step, fields.with);
		case "deploy":
			return readDeploy(context, step, fields.with);
		case "approve":
			return readApprove(context, step, fields.with);
		case "pipeline":
			return { kind: "collect", outputs: {} };
		default:
			return { kind: "noop" };
	}
};

/** A failing command ends a bash step, in the middle of a pipe too; plain sh has no way to ask for the latter. */
const shells = { sh: ["/bin/sh", "-c"], bash: ["/bin/bash", "-eo", "pipefail", "-c"] } as const;

const readCommand = ({ problems, scope }: ActionContext, { run, shell, workdir }: Fields<"step">): StepAction => ({
	kind: "command",
	command: run ? readShellText(problems, run.value, scope) : "",
	shell: shell ? readShell(problems, shell.value) : [...shells.sh],
	workdir: workdir ? (readPath(problems, workdir.value) ?? "") : "",
});

const readShellText = (problems: Problems, node: TreeNode, scope: TemplateScope): string => {
	if (node.kind !== "scalar" || node.value === null || node.text.trim() === "") {
		addExpected(problems, node, "a command");
		return "";
	}
	checkTemplate(problems, node, scope);
	return node.text;
};

const readShell = (problems: Problems, node: TreeNode): string[] => {
	if (node.kind !== "list") {
		const word = readOneOf(problems, node, ["sh", "bash"]);
		return [...shells[word ?? "sh"]];
	}
	if (node.items.length === 0) addExpected(problems, node, "an interpreter and its flags, such as [python3, -c]");
	return node.items.flatMap((item) => readText(problems, item, "an interpreter or a flag") ?? []);
};

/** What `with` must say. */
export const required = (problems: Problems, step: Place, field: Field | undefined, key: string): TreeNode | null => {
	if (!field) problems.add(step, `expected \`with.${key}\``);
	return field?.value ?? null;
};

const mainKeys = { select: "from", deploy: "model", approve: "message", subPipeline: "file" } as const;

export const readWith = <M extends keyof typeof mainKeys>(
	{ problems }: ActionContext,
	step: Place,
	field: Field | undefined,
	map: M,
): Fields<M> | null => {
	if (field) return readFields(problems, field.value, map, `a mapping with ${mainKeys[map]}`);
	problems.add(step, `expected \`with\`, a mapping with \`${mainKeys[map]}\``);
	return null;
};

const readSelect = (context: ActionContext, step: Place, field: Field | undefined): StepAction => {
	const { problems, link } = context;
	const given = readWith(context, step, field, "select");
	const empty: StepAction = { kind: "select", from: "", metric: "", mode: "max" };
	if (given === null) return empty;
	const fromNode = required(problems, step, given.from, "from");
	const metricNode = required(problems, step, given.metric, "metric");
	const from = fromNode && readName(problems, fromNode, "the name of a step");
	if (fromNode && from) link(fromNode, from);
	return {
		...empty,
		from: from ?? "",
		metric: (metricNode && readText(problems, metricNode, "the name of a metric")) ?? "",
		mode: given.mode ? (readOneOf(problems, given.mode.value, ["max", "min"]) ?? "max") : "max",
	};
};

const MAX_REPLICAS = 1000;

const readDeploy = (context: ActionContext, step: Place, field: Field | undefined): StepAction => {
	const { problems, ref } = context;
	const given = readWith(context, step, field, "deploy");
	const nowhere: OutputRef = { step: "", output: "" };
	const empty: StepAction = { kind: "deploy", model: nowhere, golden: null, name: "", replicas: 1 };
	if (given === null) return empty;
	const model = required(problems, step, given.model, "model");
	const name = required(problems, step, given.name, "name");
	return {
		...empty,
		model: model ? ref(model) : nowhere,
		golden: given.golden ? ref(given.golden.value) : null,
		name: (name && readName(problems, name, "the name of a deployment")) ?? "",
		replicas: given.replicas ? (readInteger(problems, given.replicas.value, 1, MAX_REPLICAS) ?? 1) : 1,
	};
};

const MAX_MESSAGE = 2000;

/** The message may tell what earlier steps found. */
const readApprove = (context: ActionContext, step: Place, field: Field | undefined): StepAction => {
	const { problems, scope } = context;
	const given = readWith(context, step, field, "approve");
	const node = given && required(problems, step, given.message, "message");
	const what = { expected: "what the person is asked", maxLength: MAX_MESSAGE };
	return { kind: "approve", message: (node && readTemplate(problems, node, scope, what)) ?? "" };
};
