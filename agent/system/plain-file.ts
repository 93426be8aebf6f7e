/**
 * Files beside which a step works, which may have put anything in their place: a pipe, which whoever opens it would wait
 * at for good, a link, a folder, something endless. Read are plain files of a sensible size alone.
 */

import { closeSync, constants, fstatSync, openSync, readFileSync, rmSync } from "node:fs";

/** Of a record; a task's or an outcome's is a message, and far smaller. */
const LIMIT_BYTES = 64 * 1024 ** 2;

/** To read what may be a pipe, without waiting for somebody to write into it. */
export const READ_AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK;

/** Throws NotPlain for what no agent has written there. */
export const readPlain = (path: string): Buffer => {
	const file = openPlain(path);
	try {
		if (fstatSync(file).size > LIMIT_BYTES) throw new NotPlain(path);
		return readFileSync(file);
	} finally {
		closeSync(file);
	}
};

/** To be read, and closed. */
export const openPlain = (path: string): number => {
	let file: number;
	try {
		file = openSync(path, READ_AT_ONCE);
	} catch (error) {
		throw ODD.has((error as NodeJS.ErrnoException).code ?? "") ? new NotPlain(path) : error;
	}
	if (fstatSync(file).isFile()) return file;
	closeSync(file);
	throw new NotPlain(path);
};

/** A new file, whatever was in its place; to be written, and closed. Throws where a folder is. */
export const createAnew = (path: string): number => {
	rmSync(path, { force: true });
	return openSync(path, "wx", 0o600);
};

export class NotPlain extends Error {
	constructor(path: string) {
		super(`${path} is no file of the agent's any more`);
		this.name = "NotPlain";
	}
}

/** What a step can do to a file of its user's: rights taken away, a link to nowhere, a socket. */
const ODD = new Set(["EACCES", "EISDIR", "ELOOP", "ENXIO"]);
