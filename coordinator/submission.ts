/** A submission's text to a definition and its parameters, or every problem at once. */

import type { SubmitRequest } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import { bindParams } from "#shared/pipeline/bind.ts";
import type { ParamValue, PipelineDefinition } from "#shared/pipeline/definition.ts";
import { resolveParams } from "#shared/pipeline/params.ts";
import { MAX_DEFINITION_BYTES, parsePipeline } from "#shared/pipeline/parse.ts";

export const readSubmission = (
	request: SubmitRequest,
): { definition: PipelineDefinition; params: Record<string, ParamValue> } => {
	const { definition, problems } = parsePipeline(request.pipeline, request.file, request.files);
	if (!definition) {
		const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
		throw new RunmeshError("RM_PIPELINE_INVALID", `${request.file}: ${count}`, { details: problems });
	}
	const { params, problems: wrong } = resolveParams(definition, request.params);
	if (wrong.length > 0) throw new RunmeshError("RM_BAD_INPUT", wrong.join("; "));
	const bound = bindParams(definition, params);
	checkSize(bound);
	return { definition: bound, params };
};

/** Each step of a sub-pipeline has its parameters by itself: long ones may make many of a few. */
const checkSize = ({ steps }: PipelineDefinition): void => {
	let bytes = 0;
	for (const step of steps) {
		bytes += Buffer.byteLength(JSON.stringify(step));
		if (bytes <= MAX_DEFINITION_BYTES) continue;
		const limit = `${MAX_DEFINITION_BYTES / 1024 ** 2} MiB`;
		throw new RunmeshError("RM_TOO_LARGE", `more than ${limit} once parameters are put into sub-pipelines`, {
			hint: "hand long values over as files",
		});
	}
};
