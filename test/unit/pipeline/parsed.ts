/** A pipeline that must be good; the problems are the failure's message. */

import type { PipelineDefinition } from "#shared/pipeline/definition.ts";
import { parsePipeline } from "#shared/pipeline/parse.ts";

export const parsed = (text: string): PipelineDefinition => {
	const { definition, problems } = parsePipeline(text, "pipeline.yaml");
	if (definition === null) throw new Error(JSON.stringify(problems, null, 2));
	return definition;
};
