/** `with` of a step with `uses: pipeline`: which file, and what it is given. */

import type { ParamValue } from "./definition.ts";
import { checkTemplate } from "./expressions.ts";
import { OPEN } from "./interpolate.ts";
import type { Place } from "./problems.ts";
import { readMap, readScalar, readText } from "./read.ts";
import { type ActionContext, readWith, required } from "./read-action.ts";
import { type NamedRef, readInputs } from "./read-refs.ts";
import type { Field, TreeNode } from "./yaml-tree.ts";

export interface SubPipelineUse {
	/** As written, and where. */
	file: { name: string; place: Place };
	/** Values; text may hold `${{ params.x }}` of the file that uses it. */
	params: Map<string, { place: Place; value: ParamValue }>;
	inputs: Map<string, NamedRef>;
}

/** null when the file can't be told. */
export const readSubPipeline = (
	context: ActionContext,
	step: Place,
	field: Field | undefined,
): SubPipelineUse | null => {
	const { problems } = context;
	const given = readWith(context, step, field, "subPipeline");
	const node = given && required(problems, step, given.file, "file");
	const name = node && readText(problems, node, "the path of a pipeline file beside this one");
	const use = {
		params: given?.params ? readValues(context, given.params.value) : new Map(),
		inputs: given?.inputs ? readInputs(problems, given.inputs.value, context.ref) : new Map(),
	};
	return node && name ? { file: { name, place: node }, ...use } : null;
};

const readValues = ({ problems, scope }: ActionContext, node: TreeNode): SubPipelineUse["params"] => {
	const values: SubPipelineUse["params"] = new Map();
	for (const [name, { place, value }] of readMap(problems, node, "a mapping of parameters") ?? []) {
		if (value.kind === "scalar" && value.text.includes(OPEN)) {
			checkTemplate(problems, value, { ...scope, step: null });
			values.set(name, { place, value: value.text });
			continue;
		}
		const read = readScalar(problems, value);
		if (read !== null) values.set(name, { place, value: read });
	}
	return values;
};
