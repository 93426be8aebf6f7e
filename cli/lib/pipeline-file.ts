/** Reads a pipeline file and those it uses, and checks them here: errors show at once, with no mesh running. */

import { open, realpath } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { isScalar, parseDocument } from "yaml";
import { RunmeshError } from "#shared/errors.ts";
import { isName } from "#shared/ids.ts";
import type { PipelineDefinition } from "#shared/pipeline/definition.ts";
import { MAX_FILES, referencedFiles } from "#shared/pipeline/files.ts";
import { resolveParams } from "#shared/pipeline/params.ts";
import { parsePipeline } from "#shared/pipeline/parse.ts";

export interface PipelineFile {
	text: string;
	/** Sub-pipelines, by their paths relative to the file. */
	files: Record<string, string>;
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

/** The sub-pipelines that the text names, and those that they name. One that isn't there is for the parser to tell. */
const readFiles = async (text: string, folder: string): Promise<Record<string, string>> => {
	const files: Record<string, string> = {};
	const wanted = referencedFiles(text);
	const root = await realpath(folder);
	for (let path = wanted.shift(); path !== undefined; path = wanted.shift()) {
		if (Object.hasOwn(files, path) || Object.keys(files).length === MAX_FILES) continue;
		const target = await realpath(join(root, path)).catch(() => null);
		if (target === null) continue;
		if (/^\.\.(?:\/|$)/.test(relative(root, target))) {
			throw new RunmeshError("RM_UNSAFE_PATH", `${join(folder, path)} is a link that leaves the folder`, {
				hint: "put the file itself there: the folder of the pipeline file goes along as code",
			});
		}
		files[path] = await readBounded(target);
		wanted.push(...referencedFiles(files[path] ?? "", path));
	}
	return files;
};

const checked = (text: string, file: string, files: Record<string, string>): PipelineDefinition => {
	const { definition, problems } = parsePipeline(text, file, files);
	if (definition) return definition;
	const count = problems.length === 1 ? "an error" : `${problems.length} errors`;
	throw new RunmeshError("RM_PIPELINE_INVALID", `${file} has ${count}`, { details: problems });
};

const checkParams = (definition: PipelineDefinition, given: Record<string, string>): void => {
	const { problems } = resolveParams(definition, given);
	if (problems.length > 0)
		throw new RunmeshError("RM_BAD_INPUT", problems.join("; "), { hint: "a value is given with -p NAME=VALUE" });
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
	const files = await readFiles(original, dirname(file));
	// The file as it is must be right too: problems are told of what the person wrote.
	const definition = checked(original, file, files);
	checkParams(definition, params);
	if (name === undefined) return { text: original, files, definition };
	const text = rename(original, name);
	return { text, files, definition: checked(text, file, files) };
};
