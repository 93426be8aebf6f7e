/** Prints an error and gives the exit code that goes with it. */

import { RunmeshError } from "#shared/errors.ts";
import { type OutputFormat, type Sink, wantsColor } from "./context.ts";

/** Options may not have been parsed when the error came. */
const asksForJson = (argv: readonly string[]): boolean =>
	argv.some(
		(word, index) =>
			/^(-o|--output)=?json$/.test(word) || (word === "json" && /^(-o|--output)$/.test(argv[index - 1] ?? "")),
	);

const REASONS: Record<string, string> = {
	EACCES: "permission denied",
	EPERM: "not permitted",
	ENOENT: "there is no such file or folder",
	ENOTDIR: "a part of the path is no folder",
	EISDIR: "it is a folder",
	ERR_FS_EISDIR: "it is a folder",
	EROFS: "the file system is read-only",
};

/** A file named by the user that can't be used is no defect of ours. */
const fromFileSystem = (error: unknown): unknown => {
	const { code = "", path } = error as NodeJS.ErrnoException;
	const reason = REASONS[code];
	if (error instanceof RunmeshError || reason === undefined || path === undefined) return error;
	return new RunmeshError("RM_BAD_INPUT", `${path} can't be used: ${reason}`, { cause: error });
};

export const report = async (
	error: unknown,
	{ argv, env, stderr }: { argv: readonly string[]; env: NodeJS.ProcessEnv; stderr: Sink },
): Promise<number> => {
	const [{ renderError }, { createStyle }] = await Promise.all([
		import("./output/errors.ts"),
		import("./output/style.ts"),
	]);
	const output: OutputFormat = asksForJson(argv) ? "json" : "human";
	const { text, exitCode } = renderError(fromFileSystem(error), output, createStyle(wantsColor(env, stderr)));
	stderr.write(text);
	return exitCode;
};
