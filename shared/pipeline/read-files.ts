/** A pipeline file and the files that it uses, each read once, inner ones first. */

import { LineCounter } from "yaml";
import type { StepDefinition } from "./definition.ts";
import { byteLength, MAX_FILE_BYTES, resolveFile } from "./files.ts";
import { linkSteps } from "./link.ts";
import { suggest } from "./near.ts";
import { fileStart, type Place, Problems } from "./problems.ts";
import { type FileDraft, readFile } from "./read-file.ts";
import type { StepDraft } from "./read-step.ts";
import type { SubPipelineUse } from "./read-sub-pipeline.ts";
import { checkParams } from "./sub-params.ts";
import { readTree } from "./yaml-tree.ts";

/** A file whose steps are known with all that they need of each other. */
export interface LinkedFile extends FileDraft {
	steps: StepDefinition[];
	/** What its steps with `uses: pipeline` are made of, by their names. */
	uses: Map<string, { use: SubPipelineUse; file: LinkedFile }>;
	/** Paths of what it gives, as its steps have them. */
	outputPaths: Record<string, string>;
	/** Where each step is named. */
	places: Map<string, Place>;
	/** Files in each other, from this one on. */
	depth: number;
}

const MAX_DEPTH = 8;

export class PipelineFiles {
	readonly #file: string;
	readonly #texts: Record<string, string>;
	/** null for one that can't be read; its problems say why. */
	readonly #read = new Map<string, LinkedFile | null>();
	/** In the order in which they were met. */
	readonly #problems: Problems[] = [];
	/** Paths from the submitted file to the one being read. */
	readonly #open: string[] = [];

	constructor(text: string, file: string, texts: Record<string, string>) {
		this.#file = file;
		this.#texts = { ...texts, [this.#mainPath]: text };
	}

	get problems(): readonly Problems[] {
		return this.#problems;
	}

	main(): LinkedFile | null {
		return this.#readAt(this.#mainPath);
	}

	get #mainPath(): string {
		return this.#file.slice(this.#file.lastIndexOf("/") + 1);
	}

	#readAt(path: string): LinkedFile | null {
		const known = this.#read.get(path);
		if (known !== undefined) return known;
		const text = this.#texts[path] ?? "";
		const lines = new LineCounter();
		const folder = this.#file.slice(0, this.#file.lastIndexOf("/") + 1);
		const problems = new Problems(folder + path, text, lines);
		this.#problems.push(problems);
		this.#open.push(path);
		const read = this.#link(path, readText(problems, text, lines, this.#open.length === 1 ? "main" : "sub"));
		this.#open.pop();
		this.#read.set(path, read);
		return read;
	}

	#link(path: string, file: FileDraft | null): LinkedFile | null {
		if (file === null) return null;
		const uses: LinkedFile["uses"] = new Map();
		for (const draft of file.drafts) {
			const inner = draft.use && this.#follow(path, file.problems, draft.use.file);
			if (!draft.use || !inner) continue;
			uses.set(draft.definition.name, { use: draft.use, file: inner });
			checkParams(file, draft, draft.use, inner);
			checkInputs(file, draft, draft.use, inner);
		}
		const steps = linkSteps({
			...file,
			outputsOfUse: ({ definition }) => uses.get(definition.name)?.file.outputPaths ?? null,
		});
		const byName = new Map(steps.map((step) => [step.name, step]));
		const outputPaths = Object.entries(file.outputs).map(([name, { step, output }]): [string, string] => [
			name,
			byName.get(step)?.outputs[output] ?? output,
		]);
		return {
			...file,
			steps,
			uses,
			outputPaths: Object.fromEntries(outputPaths),
			places: new Map(file.drafts.map(({ definition, place }) => [definition.name, place])),
			depth: 1 + Math.max(0, ...[...uses.values()].map((each) => each.file.depth)),
		};
	}

	#follow(from: string, problems: Problems, { name, place }: SubPipelineUse["file"]): LinkedFile | null {
		const path = resolveFile(from, name);
		if (path === null) {
			problems.add(place, `\`${name}\` lies outside the folder of the pipeline file`, "name a file in that folder");
		} else if (this.#open.includes(path)) {
			const circle = [...this.#open.slice(this.#open.indexOf(path)), path].join(" → ");
			problems.add(place, `these files use each other: ${circle}`, "a file can't be a part of itself");
		} else if (!Object.hasOwn(this.#texts, path)) {
			const others = Object.keys(this.#texts).filter((other) => other !== this.#mainPath);
			problems.add(place, `there is no file \`${path}\``, () => (others.length > 0 ? suggest(path, others) : ""));
		} else {
			const inner = this.#open.length > MAX_DEPTH ? null : this.#readAt(path);
			if (this.#open.length + (inner?.depth ?? 1) <= MAX_DEPTH + 1) return inner;
			problems.add(place, `more than ${MAX_DEPTH} files in each other`, "write some of their steps into one file");
		}
		return null;
	}
}

const readText = (problems: Problems, text: string, lines: LineCounter, role: FileDraft["role"]): FileDraft | null => {
	if (byteLength(text) > MAX_FILE_BYTES) {
		problems.add(fileStart, `larger than ${MAX_FILE_BYTES / 1024} KiB`, "keep data in files of its own");
		return null;
	}
	const root = readTree(text, problems, lines);
	if (root === null) return null;
	if (root.kind === "scalar" && root.value === null) {
		problems.add(fileStart, "the file is empty", "it needs `name` and `steps`");
		return null;
	}
	return readFile(problems, root, role);
};

const checkInputs = ({ problems }: FileDraft, draft: StepDraft, use: SubPipelineUse, inner: LinkedFile): void => {
	for (const [name, { place }] of use.inputs) {
		if (inner.inputs.includes(name)) continue;
		problems.add(place, `${use.file.name} takes no input \`${name}\``, () => suggest(name, inner.inputs));
	}
	for (const name of inner.inputs.filter((each) => !use.inputs.has(each))) {
		problems.add(draft.place, `${use.file.name} takes the input \`${name}\``, `give it under \`with.inputs\``);
	}
};
