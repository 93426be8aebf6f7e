/** Reads a pipeline file and checks it here: its errors show at once, with no mesh running. */

import { open } from "node:fs/promises";
import { isScalar, parseDocument } from "yaml";
import { RunmeshError } from "#shared/errors.ts";
import { isName } from "#shared/ids.ts";
import type { PipelineDefinition } from "#shared/pipeline/definition.ts";
import { resolveParams } from "#shared/pipeline/params.ts";
import { parsePipeline } from "#shared/pipeline/parse.ts";

export interface PipelineFile {
	text: string;
	definition: PipelineDefinition;
}

/** What the parser takes and a little more, so that it is the one to say that a file is too long. */
const MAX_READ_BYTES = 512 * 1024;

const readBounded = async (file: string): Promise<string> => {
	const handle = await open(file).catch((cause: NodeJS.ErrnoException) => {
		throw cause.code === "ENOENT"
			? new RunmeshError("RM_NOT_FOUND", `there is no file ${file}`, { hint: "name the pipeline file", cause })
			: new RunmeshError("RM_BAD_INPUT", `${file} can't be read: ${cause.message}`, { cause });
	});
	try {
		if ((await handle.stat()).isDirectory()) {
			throw new RunmeshError("RM_BAD_INPUT", `${file} is a folder`, { hint: "name the pipeline file in it" });
		}
		const buffer = Buffer.alloc(MAX_READ_BYTES);
		const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
		return buffer.toString("utf8", 0, bytesRead);
	} finally {
		await handle.close();
	}
};

const checked = (text: string, file: string): PipelineDefinition => {
	const { definition, problems } = parsePipeline(text, file);
	if (definition) return definition;
	const count = problems.length === 1 ? "an error" : `${problems.length} errors`;
	throw new RunmeshError("RM_PIPELINE_INVALID", `${file} has ${count}`, { details: problems });
};

const checkParams = (definition: PipelineDefinition, given: Record<string, string>): void => {
	const { problems } = resolveParams(definition, given);
	if (problems.length > 0)
		throw new RunmeshError("RM_BAD_INPUT", problems.join("; "), { hint: "give it with -p name=value" });
};

/** Puts another name in the text, in the same place, so that lines and columns stay true. */
const rename = (text: string, name: string): string => {
	if (!isName(name)) {
		throw new RunmeshError("RM_BAD_INPUT", `--name ${JSON.stringify(name)} is no name`, {
			hint: "up to 63 letters, digits, - and _, beginning with a letter or digit",
		});
	}
	const scalar = parseDocument(text).get("name", true);
	if (!isScalar(scalar) || !scalar.range) return `name: ${JSON.stringify(name)}\n${text}`;
	return text.slice(0, scalar.range[0]) + JSON.stringify(name) + text.slice(scalar.range[1]);
};

export const readPipelineFile = async (
	file: string,
	params: Record<string, string>,
	name?: string | undefined,
): Promise<PipelineFile> => {
	const original = await readBounded(file);
	// The file as it is must be right too: problems are told of what the person wrote.
	const definition = checked(original, file);
	checkParams(definition, params);
	if (name === undefined) return { text: original, definition };
	const text = rename(original, name);
	return { text, definition: checked(text, file) };
};
