/** How an error is told: one line and a hint for people, one object for programs. */

import { errorTable, type RunmeshError, toRunmeshError } from "#shared/errors.ts";
import type { PipelineProblem } from "#shared/pipeline/definition.ts";
import type { OutputFormat } from "../context.ts";
import type { Style } from "./style.ts";
import { escapeControls } from "./text.ts";

const isProblem = (value: unknown): value is PipelineProblem =>
	typeof value === "object" && value !== null && "line" in value && "column" in value && "message" in value;

const problemsOf = (error: RunmeshError): PipelineProblem[] =>
	Array.isArray(error.details) ? error.details.filter(isProblem) : [];

/** `file:line:col  path: message — hint` */
export const formatProblem = ({ file, line, column, path, message, hint }: PipelineProblem): string =>
	`${file}:${line}:${column}  ${path === "" ? "" : `${path}: `}${message}${hint === "" ? "" : ` — ${hint}`}`;

const forPrograms = (error: RunmeshError): string =>
	JSON.stringify({
		error: { code: error.code, message: error.message, hint: error.hint ?? "", problems: problemsOf(error) },
	});

const forPeople = (error: RunmeshError, style: Style): string[] => {
	const safe = (text: string): string => escapeControls(text.replaceAll("\n", " "));
	const lines = [`${style.bad("error:")} ${safe(error.message)}`];
	lines.push(...problemsOf(error).map((problem) => `  ${safe(formatProblem(problem))}`));
	if (error.hint) lines.push(`${style.busy("hint:")} ${safe(error.hint)}`);
	if (error.code === "RM_INTERNAL" && error.cause instanceof Error) lines.push(style.dim(error.cause.stack ?? ""));
	return lines;
};

/** Text for stderr, with the exit code that goes with it. */
export const renderError = (
	thrown: unknown,
	output: OutputFormat,
	style: Style,
): { text: string; exitCode: number } => {
	const error = toRunmeshError(thrown);
	const lines = output === "json" ? [forPrograms(error)] : forPeople(error, style);
	return { text: `${lines.join("\n")}\n`, exitCode: errorTable[error.code].exit };
};
