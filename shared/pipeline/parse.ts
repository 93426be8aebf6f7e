/**
 * A pipeline file to its definition, or to everything that is wrong with it, each thing with its line and column.
 * The syntax is that of docs/pipelines.md.
 */

import { LineCounter } from "yaml";
import type { PipelineDefinition, PipelineProblem } from "./definition.ts";
import { cellCount } from "./expand.ts";
import { linkSteps } from "./link.ts";
import { type Place, Problems } from "./problems.ts";
import { addExpected, readFields, readMap, readName } from "./read.ts";
import { readParams } from "./read-params.ts";
import { readStep, type StepDraft } from "./read-step.ts";
import { builtInSettings, readSettings } from "./settings.ts";
import { readTree, type TreeNode } from "./yaml-tree.ts";

const MAX_FILE_BYTES = 256 * 1024;
const MAX_CELLS = 10_000;
/** As JSON: it goes into one message of the journal. Defaults and aliases make more of a file than its own text. */
const MAX_DEFINITION_BYTES = 6 * 1024 * 1024;

export interface ParsedPipeline {
	/** null when there is any problem. */
	definition: PipelineDefinition | null;
	/** In the order of the file. */
	problems: PipelineProblem[];
}

export const parsePipeline = (text: string, file: string): ParsedPipeline => {
	const lines = new LineCounter();
	const problems = new Problems(file, text, lines);
	const definition = readPipeline(problems, text, lines);
	return { definition: problems.count === 0 ? definition : null, problems: problems.list() };
};

const start: Place = { path: "", start: 0, end: 0 };

const readPipeline = (problems: Problems, text: string, lines: LineCounter): PipelineDefinition | null => {
	if (byteLength(text) > MAX_FILE_BYTES) {
		problems.add(start, `larger than ${MAX_FILE_BYTES / 1024} KiB`, "keep data in files of its own");
		return null;
	}
	const root = readTree(text, problems, lines);
	if (root === null) return null;
	if (root.kind === "scalar" && root.value === null) {
		problems.add(start, "the file is empty", "it needs `name` and `steps`");
		return null;
	}
	return readRoot(problems, root);
};

const readRoot = (problems: Problems, root: TreeNode): PipelineDefinition | null => {
	const fields = readFields(problems, root, "pipeline", "a mapping with `name` and `steps`");
	if (fields === null) return null;
	const params = fields.params ? readParams(problems, fields.params.value) : {};
	const paramNames = fields.params ? namesIn(fields.params.value) : [];
	const defaultFields = fields.defaults ? readFields(problems, fields.defaults.value, "defaults", "a mapping") : null;
	const defaults = readSettings(problems, defaultFields ?? {}, builtInSettings, { params: paramNames, axes: [] });

	if (!fields.name) problems.add(start, "expected `name`, the pipeline's name");
	if (!fields.steps) problems.add(start, "expected `steps`");
	const name = fields.name ? readName(problems, fields.name.value, "the pipeline's name") : null;
	const context = { problems, defaults, params: paramNames };
	const steps = fields.steps ? (readMap(problems, fields.steps.value, "a mapping of steps") ?? []) : [];
	const drafts = [...steps].map(([step, field]) => readStep(context, step, field));
	if (fields.steps?.value.kind === "map" && drafts.length === 0) {
		addExpected(problems, fields.steps.value, "at least one step");
	}
	checkCells(problems, drafts);
	const definition: PipelineDefinition = { version: 1, name: name ?? "", params, steps: linkSteps(problems, drafts) };
	checkSize(problems, definition, drafts);
	return definition;
};

/** null when they can't be told. */
const namesIn = (node: TreeNode): string[] | null => (node.kind === "map" ? [...node.fields.keys()] : null);

const checkCells = (problems: Problems, drafts: readonly StepDraft[]): void => {
	let cells = 0;
	for (const { place, definition } of drafts) {
		cells += cellCount(definition);
		if (cells <= MAX_CELLS) continue;
		problems.add(place, `more than ${MAX_CELLS} steps once each matrix is expanded`, "split the pipeline");
		return;
	}
};

const checkSize = (problems: Problems, { params, steps }: PipelineDefinition, drafts: readonly StepDraft[]): void => {
	let bytes = byteLength(JSON.stringify(params));
	for (const [index, step] of steps.entries()) {
		bytes += byteLength(JSON.stringify(step));
		if (bytes <= MAX_DEFINITION_BYTES) continue;
		const message = `more than ${MAX_DEFINITION_BYTES / 1024 ** 2} MiB once defaults and aliases are filled in`;
		problems.add(drafts[index]?.place ?? start, message, "keep long texts in files of their own");
		return;
	}
};

const byteLength = (text: string): number => new TextEncoder().encode(text).length;
