/**
 * A pipeline file, with those it uses, to its definition, or to everything that is wrong with it, each thing with its
 * file, line and column. The syntax is that of docs/pipelines.md.
 */

import type { Condition, PipelineDefinition, PipelineProblem, StepDefinition } from "./definition.ts";
import { MAX_CELLS } from "./expand.ts";
import { byteLength, MAX_FILES, MAX_FILES_BYTES } from "./files.ts";
import { countCellsOf, inlineSteps } from "./inline.ts";
import { fileStart } from "./problems.ts";
import { type LinkedFile, PipelineFiles } from "./read-files.ts";
import { withValues } from "./values.ts";

/** As JSON: it goes into one message of the journal. Defaults and aliases make more of a file than its own text. */
export const MAX_DEFINITION_BYTES = 6 * 1024 * 1024;
/** Of a step of a sub-pipeline, with the names of those around it. */
const MAX_NAME = 200;

export interface ParsedPipeline {
	/** null when there is any problem. */
	definition: PipelineDefinition | null;
	/** In the order of the file, those of sub-pipelines behind. */
	problems: PipelineProblem[];
}

/** `files` are the texts of sub-pipelines, by their paths relative to the file. */
export const parsePipeline = (text: string, file: string, files: Record<string, string> = {}): ParsedPipeline => {
	const tooMany = tooManyFiles(file, files);
	if (tooMany) return { definition: null, problems: [tooMany] };
	const read = new PipelineFiles(text, file, files);
	const main = read.main();
	const isGood = () => read.problems.every(({ count }) => count === 0);
	const definition = main && checkCells(main) && isGood() ? define(main) : null;
	return { definition: isGood() ? definition : null, problems: read.problems.flatMap((each) => each.list()) };
};

const tooManyFiles = (file: string, files: Record<string, string>): PipelineProblem | null => {
	const texts = Object.values(files);
	const bytes = texts.reduce((sum, text) => sum + byteLength(text), 0);
	if (texts.length <= MAX_FILES && bytes <= MAX_FILES_BYTES) return null;
	const message = `sub-pipelines are more than ${MAX_FILES} files or ${MAX_FILES_BYTES / 1024 ** 2} MiB`;
	return { file, line: 1, column: 1, path: "", message, hint: "use fewer" };
};

/** null, and a problem, when it is more than there may be. */
const define = (main: LinkedFile): PipelineDefinition | null => {
	const size = new Size(main);
	const inlined: StepDefinition[] = [];
	for (const step of inlineSteps(main)) {
		if (!size.add(step)) return null;
		inlined.push(step);
	}
	const steps = withValues(afterFailure(inlined));
	if (!steps.filter(({ phase }) => phase === "onFailure").every((step) => size.add(step))) return null;
	const { name, params, timeoutMs, concurrency } = main;
	return { version: 3, name, params, timeoutMs, concurrency, steps };
};

const checkCells = (main: LinkedFile): boolean => {
	const known = new Map<LinkedFile, number>();
	let cells = 0;
	for (const step of main.steps) {
		cells += countCellsOf(main, step, known);
		if (cells <= MAX_CELLS) continue;
		const what = main.uses.has(step.name) ? "its file is" : "each matrix is";
		const message = `more than ${MAX_CELLS} steps once ${what} expanded`;
		main.problems.add(main.places.get(step.name) ?? fileStart, message, "split the pipeline");
		return false;
	}
	return true;
};

/** Steps of `on_failure` wait for all others, and for a failure among them. */
const afterFailure = (steps: readonly StepDefinition[]): StepDefinition[] => {
	const main = steps.filter(({ phase }) => phase === "main").map(({ name }) => name);
	return steps.map((step) =>
		step.phase === "main"
			? step
			: { ...step, needs: [...new Set([...main, ...step.needs])], condition: onceFailed(step.condition) },
	);
};

const onceFailed = (own: Condition | null): Condition => ({
	source: own === null ? "failed()" : `failed() && (${own.source})`,
	statusAware: true,
});

class Size {
	readonly #main: LinkedFile;
	#bytes: number;

	constructor(main: LinkedFile) {
		this.#main = main;
		this.#bytes = byteLength(JSON.stringify(main.params));
	}

	/** false, and a problem, when it is too much. */
	add(step: StepDefinition): boolean {
		const { problems, places } = this.#main;
		const place = places.get(step.name) ?? places.get(step.name.split(".")[0] ?? "") ?? fileStart;
		this.#bytes += byteLength(JSON.stringify(step));
		if (step.name.length > MAX_NAME) {
			const message = `\`${step.name.slice(0, 60)}…\` has more than ${MAX_NAME} characters`;
			problems.add(place, message, "use shorter names in each other");
		} else if (this.#bytes > MAX_DEFINITION_BYTES) {
			const message = `more than ${MAX_DEFINITION_BYTES / 1024 ** 2} MiB once defaults and aliases are filled in`;
			problems.add(place, message, "keep long texts in files of their own");
		} else return true;
		return false;
	}
}
