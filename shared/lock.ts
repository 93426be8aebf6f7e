/**
 * A file that one living process holds, named in it by pid and start. It appears whole (a hard link of a finished
 * one), and a dead owner's is moved aside before it is judged, so that two starts can't both win.
 */

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RunmeshError } from "./errors.ts";
import { identifyProcess, isAlive, type ProcessIdentity } from "./process.ts";

export interface FileLock {
	/** Nothing happens to a lock that someone else has taken since. */
	release(): void;
}

const TRIES = 10;

/** For the one process of its kind on a folder. Throws RM_ALREADY_UP, naming the living one that holds it. */
export const lockFolder = (folder: string, what: "agent" | "coordinator"): FileLock =>
	lockFile(
		join(folder, `${what}.lock`),
		({ pid }) =>
			new RunmeshError("RM_ALREADY_UP", `another ${what} already runs on ${folder} (process ${pid})`, {
				hint: `one ${what} runs on a home: give a second one its own with --home <folder>`,
				details: { pid },
			}),
	);

/** `refusal` makes the error for when a living process holds it. */
export const lockFile = (path: string, refusal: (owner: ProcessIdentity) => RunmeshError): FileLock => {
	const me = identifyProcess(process.pid);
	if (me === null) throw new Error("this process is not in the system's process table");
	const mine = `${path}.${process.pid}`;
	const text = `${JSON.stringify(me)}\n`;
	writeFileSync(mine, text, { mode: 0o600 });
	try {
		for (let tries = 0; tries < TRIES; tries++) {
			if (linked(mine, path)) return { release: () => release(path, text) };
			const owner = lockOwner(path);
			if (owner) throw refusal(owner);
			setStaleAside(path);
		}
	} finally {
		rmSync(mine, { force: true });
	}
	throw new RunmeshError("RM_ALREADY_UP", `other starts keep taking ${path}`);
};

/** The living owner; null when there is none. */
export const lockOwner = (path: string): ProcessIdentity | null => {
	const owner = parseOwner(readText(path));
	return owner && isAlive(owner) ? owner : null;
};

const linked = (from: string, to: string): boolean => {
	try {
		linkSync(from, to);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
		throw error;
	}
};

/** Moving is atomic: of two that saw the same stale lock one gets it, and one that got a fresh lock puts it back. */
const setStaleAside = (path: string): void => {
	const aside = `${path}.stale.${process.pid}`;
	try {
		renameSync(path, aside);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
		throw error;
	}
	if (lockOwner(aside)) linked(aside, path);
	rmSync(aside, { force: true });
};

const release = (path: string, mine: string): void => {
	if (readText(path) === mine) rmSync(path, { force: true });
};

const readText = (path: string): string => {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
		throw error;
	}
};

/** A file that is no lock of ours has no owner: it can only be left over. */
const parseOwner = (text: string): ProcessIdentity | null => {
	try {
		const { pid, start } = JSON.parse(text) as Partial<ProcessIdentity>;
		return Number.isSafeInteger(pid) && (pid as number) > 0 && typeof start === "string"
			? { pid: pid as number, start }
			: null;
	} catch {
		return null;
	}
};
