/**
 * Folders made ahead, with everything an attempt finds in its own: making a file costs far more than writing into
 * one, and here it costs the launch nothing.
 */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";

export interface SpareFolders {
	/** A folder to be renamed; null when there is none just now. */
	take(): string | null;
	close(): void;
}

const KEPT = 8;
/** Let what took the last one go on first. */
const PAUSE_MS = 5;

export const createSpareFolders = (root: string, warn: (message: string, error: unknown) => void): SpareFolders => {
	rmSync(root, { recursive: true, force: true });
	mkdirSync(root, { recursive: true, mode: 0o700 });
	const ready: string[] = [];
	let made = 0;
	let timer: NodeJS.Timeout | null = null;

	/** One at a time: each blocks the loop for as long as it takes to make eight files. */
	const fill = (): void => {
		timer = null;
		try {
			ready.push(makeFolder(`${root}/${++made}`));
			if (ready.length < KEPT) fillSoon();
		} catch (error) {
			warn(`no spare folder can be made in ${root}`, error);
		}
	};
	const fillSoon = (): void => {
		timer ??= setTimeout(fill, PAUSE_MS);
	};
	fillSoon();

	return {
		take: () => {
			fillSoon();
			return ready.shift() ?? null;
		},
		close: () => {
			if (timer) clearTimeout(timer);
		},
	};
};

const makeFolder = (folder: string): string => {
	mkdirSync(folder, { mode: 0o700 });
	for (const name of ["work", "inputs", "outputs"]) mkdirSync(`${folder}/${name}`);
	for (const name of ["task.bin", "params.json", "launch.sh", "stdout", "stderr"]) {
		writeFileSync(`${folder}/${name}`, "", { mode: 0o600 });
	}
	return folder;
};
