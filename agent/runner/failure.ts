/** Why an attempt failed, in words for the one who wrote the step. */

import { closeSync, fstatSync, readSync } from "node:fs";
import type { Failure, FailureCause } from "#shared/domain.ts";
import { RunmeshError, toRunmeshError } from "#shared/errors.ts";
import { failureOf } from "#shared/failure.ts";
import { openPlain } from "../system/plain-file.ts";

/** Thrown where preparing, launching or collecting an attempt can't go on. */
export class AttemptError extends Error {
	readonly failureCause: FailureCause;

	constructor(cause: FailureCause, message: string) {
		super(message);
		this.name = "AttemptError";
		this.failureCause = cause;
	}
}

/** `cause` and `what` tell of anything that has no better explanation, such as a full disk. */
export const toFailure = (error: unknown, cause: FailureCause, what: string): Failure => {
	if (error instanceof AttemptError) return failureOf(error.failureCause, error.message);
	const known = toRunmeshError(rootCause(error));
	if (known.code === "RM_DISK_FULL") return failureOf("disk", `${what}: ${known.message}`);
	return failureOf(cause, `${what}: ${error instanceof Error ? error.message : String(error)}`);
};

const rootCause = (error: unknown): unknown => {
	if (error instanceof RunmeshError || !(error instanceof Error)) return error;
	const { code } = error as NodeJS.ErrnoException;
	return code === undefined && error.cause instanceof Error ? rootCause(error.cause) : error;
};

const TAIL_BYTES = 4096;
const TAIL_LINES = 5;
const LINE_LENGTH = 300;

/** The last few lines of a file, printable, none from before `from`; "" when there are none. */
export const lastLines = (path: string, from = 0): string => {
	let file: number;
	try {
		file = openPlain(path);
	} catch {
		return "";
	}
	try {
		const { size } = fstatSync(file);
		const buffer = Buffer.alloc(Math.max(0, Math.min(size - from, TAIL_BYTES)));
		const read = readSync(file, buffer, 0, buffer.length, size - buffer.length);
		return buffer
			.toString("utf8", 0, read)
			.split(/\r\n|[\r\n]/)
			.map((line) => printable(line).trimEnd())
			.filter((line) => line !== "")
			.slice(-TAIL_LINES)
			.join("\n");
	} finally {
		closeSync(file);
	}
};

/** A terminal must not obey what a step printed. */
const printable = (line: string): string =>
	line
		.slice(0, LINE_LENGTH)
		.replaceAll("\t", " ")
		// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
		.replace(/\u001b\[[0-9;]*[A-Za-z]|[\u0000-\u001f\u007f-\u009f\ufffd]/g, "");
