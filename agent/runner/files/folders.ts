/**
 * Attempts' folders, with everything an attempt finds in its own: made ahead, and used again when an attempt left
 * nothing in it. To make and remove a dozen files and folders costs far more than a short step itself does, and on
 * ext4 ever more, the more were removed in the last minutes.
 */

import { mkdirSync, readdirSync, renameSync, statSync, truncateSync, writeFileSync } from "node:fs";
import type { Trash } from "./trash.ts";

export interface Folders {
	/** One to be renamed; null when there is none just now. */
	take(): string | null;
	/** Of an attempt that is over and of which no process is left. Gone from its place when this returns. */
	giveBack(folder: string): void;
	close(): void;
}

/** Made when there are fewer. */
const AHEAD = 8;
/** Let what took the last one go on first. */
const PAUSE_MS = 5;
/** Kept at most; what was not needed for so long goes, but those ahead. */
const KEPT = 4_096;
const REST_MS = 30_000;
/** What a short step printed. */
const OUTPUT_BYTES = 64 * 1024;
/** Of its supervisors' lines: so often a folder is used. */
const PROCESS_BYTES = 4 * 1024;

const SUBFOLDERS = ["work", "inputs", "outputs"] as const;
const FILES = ["task.bin", "params.json", "launch.sh", "process", "stdout", "stderr"] as const;

export const createFolders = (root: string, trash: Trash, warn: (message: string, error: unknown) => void): Folders => {
	trash.discard(root);
	mkdirSync(root, { recursive: true, mode: 0o700 });
	const ready: string[] = [];
	let made = 0;
	/** As a new one has them. */
	let modes: Modes | null = null;
	/** The fewest that were ready since the last look. */
	let unneeded = 0;
	let timer: NodeJS.Timeout | null = null;

	/** One at a time: each blocks the loop for as long as it takes to make ten files. */
	const fill = (): void => {
		timer = null;
		try {
			if (ready.length < AHEAD) ready.push(makeFolder(`${root}/${++made}`));
			modes ??= modesOf(ready.at(-1) as string);
			fillSoon();
		} catch (error) {
			warn(`no folder can be made in ${root}`, error);
		}
	};
	const fillSoon = (): void => {
		if (ready.length < AHEAD) timer ??= setTimeout(fill, PAUSE_MS);
	};
	fillSoon();

	const dismiss = setInterval(() => {
		for (const folder of ready.splice(Math.max(AHEAD, ready.length - unneeded))) trash.discard(folder);
		unneeded = ready.length;
	}, REST_MS);

	return {
		take: () => {
			const folder = ready.pop() ?? null;
			unneeded = Math.min(unneeded, ready.length);
			fillSoon();
			return folder;
		},
		giveBack: (folder) => {
			try {
				if (ready.length < KEPT && modes && isUnused(folder, modes)) {
					const name = `${root}/${++made}`;
					renameSync(folder, name);
					ready.push(name);
					return;
				}
			} catch {
				// Whatever is wrong with it, it is not used again.
			}
			trash.discard(folder);
		},
		close: () => {
			clearInterval(dismiss);
			if (timer) clearTimeout(timer);
		},
	};
};

const makeFolder = (folder: string): string => {
	mkdirSync(folder, { mode: 0o700 });
	for (const name of SUBFOLDERS) mkdirSync(`${folder}/${name}`);
	for (const name of FILES) writeFileSync(`${folder}/${name}`, "", { mode: 0o600 });
	return folder;
};

/** Nothing is in it but what is in a new one; what the attempt printed is taken out. */
const isUnused = (folder: string, modes: Modes): boolean => {
	if (modeOf(folder) !== modes.folder) return false;
	const found = readdirSync(folder, { withFileTypes: true });
	if (found.length !== SUBFOLDERS.length + FILES.length) return false;
	for (const item of found) {
		const path = `${folder}/${item.name}`;
		if (item.isDirectory()) {
			const isOurs = SUBFOLDERS.includes(item.name as (typeof SUBFOLDERS)[number]);
			if (!isOurs || modeOf(path) !== modes.subfolder || readdirSync(path).length > 0) return false;
		} else if (!item.isFile() || !FILES.includes(item.name as (typeof FILES)[number])) return false;
	}
	return FILES.every((name) => isReady(`${folder}/${name}`, name, modes));
};

/** One that has another name too is somebody's own by now: nothing may be written over it. */
const isReady = (path: string, name: (typeof FILES)[number], modes: Modes): boolean => {
	const { size, mode, nlink } = statSync(path);
	if (mode !== modes.file || nlink !== 1) return false;
	if (name === "process") return size <= PROCESS_BYTES;
	if (name !== "stdout" && name !== "stderr") return true;
	if (size > OUTPUT_BYTES) return false;
	if (size > 0) truncateSync(path);
	return true;
};

interface Modes {
	folder: number;
	subfolder: number;
	file: number;
}

const modesOf = (folder: string): Modes => ({
	folder: modeOf(folder),
	subfolder: modeOf(`${folder}/work`),
	file: modeOf(`${folder}/stdout`),
});

const modeOf = (path: string): number => statSync(path).mode;
