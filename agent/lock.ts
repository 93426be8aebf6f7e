/**
 * One agent for a home. The lock names its owner by pid and start and appears whole, as a hard link; a dead owner's
 * is moved aside before it is judged, so that two starts can't both win.
 */

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { RunmeshError } from "#shared/errors.ts";
import { identifyProcess, isAlive, type ProcessIdentity } from "./runner/process.ts";

export interface AgentLock {
	release(): void;
}

const TRIES = 10;

/** Throws RM_CONFLICT when a living agent holds it. */
export const lockAgentFolder = (folder: string): AgentLock => {
	const path = `${folder}/agent.lock`;
	const mine = `${path}.${process.pid}`;
	writeFileSync(mine, JSON.stringify(identifyProcess(process.pid)), { mode: 0o600 });
	try {
		for (let tries = 0; tries < TRIES; tries++) {
			if (linked(mine, path)) return { release: () => rmSync(path, { force: true }) };
			const owner = livingOwner(path);
			if (owner) {
				throw new RunmeshError("RM_CONFLICT", `an agent already runs on ${folder} (process ${owner.pid})`, {
					hint: "one agent serves a home: give a second one its own with --home",
				});
			}
			setAside(path);
		}
		throw new RunmeshError("RM_CONFLICT", `other starts keep taking ${path}`);
	} finally {
		rmSync(mine, { force: true });
	}
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

const livingOwner = (path: string): ProcessIdentity | null => {
	try {
		const owner = JSON.parse(readFileSync(path, "utf8")) as ProcessIdentity;
		return Number.isInteger(owner.pid) && isAlive(owner) ? owner : null;
	} catch {
		return null;
	}
};

/** Of two that saw the same stale lock one gets to move it; who moved a fresh one puts it back. */
const setAside = (path: string): void => {
	const aside = `${path}.stale.${process.pid}`;
	try {
		renameSync(path, aside);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
		throw error;
	}
	if (livingOwner(aside)) linked(aside, path);
	rmSync(aside, { force: true });
};
