/**
 * One `up` for a home: `up.lock` names its owner by pid and start time. The file appears whole (a hard link of a
 * finished one), and a dead owner's lock is moved aside before it is judged, so that two starts can't both win.
 */

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { readMesh } from "#shared/mesh.ts";
import { processStart } from "./process-table.ts";

const ownerSchema = z.object({ pid: z.number().int().positive(), start: z.string().min(1) });

export type LockOwner = z.infer<typeof ownerSchema>;

export interface HomeLock {
	release(): void;
}

const TRIES = 10;

/** Throws RM_ALREADY_UP when a living process holds it. */
export const lockHome = (home: Home): HomeLock => {
	mkdirSync(home.root, { recursive: true, mode: 0o700 });
	const start = processStart(process.pid);
	if (start === null) throw new Error("this process is not in the system's process table");
	const mine = `${home.lock}.${process.pid}`;
	const text = `${JSON.stringify({ pid: process.pid, start } satisfies LockOwner)}\n`;
	writeFileSync(mine, text, { mode: 0o600 });
	try {
		for (let tries = 0; tries < TRIES; tries++) {
			if (link(mine, home.lock)) return { release: () => release(home, text) };
			const owner = lockOwner(home);
			if (owner) throw alreadyUp(home, owner);
			setStaleAside(home);
		}
	} finally {
		rmSync(mine, { force: true });
	}
	throw new RunmeshError("RM_ALREADY_UP", `other starts keep taking ${home.lock}`);
};

/** The living owner; null when there is none. */
export const lockOwner = (home: Home): LockOwner | null => {
	const owner = parseOwner(readText(home.lock));
	return owner && processStart(owner.pid) === owner.start ? owner : null;
};

const alreadyUp = (home: Home, owner: LockOwner): RunmeshError => {
	const mesh = readMesh(home);
	const at = mesh?.pid === owner.pid ? ` at ${mesh.url}` : "";
	return new RunmeshError("RM_ALREADY_UP", `a mesh already runs on ${home.root}${at} (process ${owner.pid})`, {
		hint: "use it as it is, stop it with `runmesh down`, or start another with `--home <folder>` and ports of its own",
		details: { pid: owner.pid, url: mesh?.url ?? null },
	});
};

const link = (from: string, to: string): boolean => {
	try {
		linkSync(from, to);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
		throw error;
	}
};

/** Moving is atomic: of two that saw the same stale lock one gets it, and one that got a fresh lock puts it back. */
const setStaleAside = (home: Home): void => {
	const aside = `${home.lock}.stale.${process.pid}`;
	try {
		renameSync(home.lock, aside);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
		throw error;
	}
	const owner = parseOwner(readText(aside));
	if (owner && processStart(owner.pid) === owner.start) link(aside, home.lock);
	rmSync(aside, { force: true });
};

const release = (home: Home, mine: string): void => {
	if (readText(home.lock) === mine) rmSync(home.lock, { force: true });
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
const parseOwner = (text: string): LockOwner | null => {
	try {
		return ownerSchema.parse(JSON.parse(text));
	} catch {
		return null;
	}
};
