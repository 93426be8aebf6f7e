/** Pipelines for tests, read: good ones, and what is wrong with others. */

import type { PipelineDefinition } from "#shared/pipeline/definition.ts";
import { parsePipeline } from "#shared/pipeline/parse.ts";

/** It must be good; the problems are the failure's message. */
export const parsed = (text: string): PipelineDefinition => {
	const { definition, problems } = parsePipeline(text, "pipeline.yaml");
	if (definition === null) throw new Error(JSON.stringify(problems, null, 2));
	return definition;
};

/** What is wrong with a text: "line:column path: message (hint)". */
export const problemsOf = (text: string): string[] =>
	parsePipeline(text, "p.yaml").problems.map(
		({ line, column, path, message, hint }) => `${line}:${column} ${path}: ${message}${hint ? ` (${hint})` : ""}`,
	);
