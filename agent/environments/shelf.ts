/**
 * The environments on this disk: one folder each, named by its key, whole when `made.json` is in it. That is written
 * last, when all else has reached the disk; its time of change is when the environment was last used. What is not whole
 * was left by an agent that died while making it, perhaps together with the processes that did.
 */

import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { isAlive } from "#shared/process.ts";
import type { Trash } from "../runner/files/trash.ts";
import type { Environment } from "../runner/setup/environment.ts";
import { parseIdentity, signalGroup } from "../system/process.ts";
import { endMarked } from "./mark.ts";
import type { Place } from "./plan.ts";

export interface Shelf {
	place(key: string): Place & { home: string; log: string; builder: string };
	has(key: string): boolean;
	/** Used now. */
	touch(key: string): void;
	/** An empty folder to make it in. */
	clear(key: string): void;
	/** From now on it is there, and whole. Resolves with its size. */
	finish(key: string, how: { what: string; sharesFiles: boolean; activation: Environment }): Promise<number>;
	/** What its own scripts set. */
	activation(key: string): Environment;
	discard(key: string): void;
	/** Removes what was not used for long, and the longest unused while they take too much, or until so much less. */
	tidy(inUse: (key: string) => boolean, lessBytes?: number): number;
}

const UNUSED_MS = 30 * 86_400_000;
const KEY = /^[0-9a-f]+$/;

const run = promisify(execFile);

export const openShelf = (root: string, maxBytes: number, trash: Trash): Shelf => {
	mkdirSync(root, { recursive: true, mode: 0o700 });
	const homeOf = (key: string): string => `${root}/${key}`;
	const madeOf = (key: string): string => `${homeOf(key)}/made.json`;
	const builderOf = (key: string): string => `${homeOf(key)}/builder`;
	const has = (key: string): boolean => statSync(madeOf(key), { throwIfNoEntry: false }) !== undefined;

	for (const name of readdirSync(root)) {
		if (KEY.test(name) && has(name)) continue;
		endBuilder(builderOf(name));
		endMarked(homeOf(name));
		trash.discard(homeOf(name));
	}

	return {
		has,
		place: (key) => {
			const home = homeOf(key);
			return { home, env: `${home}/env`, source: `${home}/source`, log: `${home}/log`, builder: builderOf(key) };
		},
		touch: (key) => {
			const now = new Date();
			utimesSync(madeOf(key), now, now);
		},
		clear: (key) => {
			trash.discard(homeOf(key));
			mkdirSync(`${homeOf(key)}/source`, { recursive: true, mode: 0o700 });
		},
		finish: async (key, { what, sharesFiles, activation }) => {
			const home = homeOf(key);
			const parts = readdirSync(home).filter((name) => name === "env" || name === "source");
			const writable = ["(", "-type", "d", ...(sharesFiles ? [] : ["-o", "-type", "f"]), ")"];
			await run("find", [...parts, ...writable, "-exec", "chmod", "a-w", "{}", "+"], { cwd: home });
			const { stdout } = await run("du", ["-sk", home]);
			// Some systems sync everything or nothing; a power cut in the next seconds is then not provided for.
			await run("sync", ["-f", home]).catch(() => undefined);
			const sizeBytes = Number.parseInt(stdout, 10) * 1024 || 0;
			const made: Made = { what, sizeBytes, activation, madeAt: new Date().toISOString() };
			writeFileSync(`${madeOf(key)}.new`, JSON.stringify(made), { mode: 0o600, flush: true });
			renameSync(`${madeOf(key)}.new`, madeOf(key));
			return sizeBytes;
		},
		activation: (key) => readMade(madeOf(key)).activation ?? {},
		discard: (key) => trash.discard(homeOf(key)),
		tidy: (inUse, lessBytes = 0) => {
			const made = readdirSync(root)
				.filter(has)
				.map((key) => {
					const path = madeOf(key);
					return { key, usedAtMs: statSync(path).mtimeMs, sizeBytes: readMade(path).sizeBytes ?? 0 };
				});
			made.sort((a, b) => a.usedAtMs - b.usedAtMs);
			let total = made.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
			let gone = 0;
			for (const { key, usedAtMs, sizeBytes } of made) {
				const isOld = Date.now() - usedAtMs > UNUSED_MS;
				if (inUse(key) || !(isOld || total > maxBytes || gone < lessBytes)) continue;
				trash.discard(homeOf(key));
				total -= sizeBytes;
				gone += sizeBytes;
			}
			return gone;
		},
	};
};

interface Made {
	what: string;
	sizeBytes: number;
	activation: Environment;
	madeAt: string;
}

const readMade = (path: string): Partial<Made> => {
	try {
		return JSON.parse(readFileSync(path, "utf8")) as Partial<Made>;
	} catch {
		return {};
	}
};

/** It leads a group, so that all it started goes with it. */
const endBuilder = (path: string): void => {
	try {
		const builder = parseIdentity(readFileSync(path, "utf8").trim());
		if (builder && isAlive(builder)) signalGroup(builder.pid, "SIGKILL");
	} catch {
		// It never came so far as to say who it is.
	}
};
