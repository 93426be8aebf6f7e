/** Small files: written over, put in the place of another as a whole, read where they may not be there. */

import { closeSync, constants, ftruncateSync, openSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createAnew, NotPlain, readPlain } from "../../system/plain-file.ts";

/** Into a file that mostly is there: to make one costs far more, and so does to empty it first. */
export const writeOver = (path: string, content: string | Uint8Array): void => {
	const bytes = Buffer.from(content);
	const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK, 0o600);
	try {
		writeFileSync(file, bytes);
		ftruncateSync(file, bytes.length);
	} finally {
		closeSync(file);
	}
};

/** Whoever reads it sees the old one or the new one. */
export const replaceFile = (path: string, content: string | Uint8Array): void => {
	const staged = `${path}.new`;
	const file = createAnew(staged);
	try {
		writeFileSync(file, content);
	} finally {
		closeSync(file);
	}
	renameSync(staged, path);
};

/** null when there is none, or what is there is not whole, or nothing that an agent wrote. */
export const readAs = <T>(path: string, parse: (bytes: Buffer) => T | null): T | null => {
	let bytes: Buffer;
	try {
		bytes = readPlain(path);
	} catch (error) {
		if (error instanceof NotPlain || (error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
	try {
		return parse(bytes);
	} catch {
		return null;
	}
};

/** null when it can't be had, for whatever reason. */
export const readJson = <T>(path: string): T | null => {
	try {
		return JSON.parse(readPlain(path).toString()) as T;
	} catch {
		return null;
	}
};

/** 0 when there is none. */
export const modifiedAtMs = (path: string): number =>
	Math.round(statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
