/**
 * Folders made ahead, with everything an attempt finds in its own: making a file costs far more than writing into
 * one, and here it costs the launch nothing.
 */

import { mkdirSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";

export interface SpareFolders {
	/** A folder to be renamed; null when there is none just now. */
	take(): string | null;
	close(): void;
}

const KEPT = 8;

export const createSpareFolders = (root: string, warn: (message: string, error: unknown) => void): SpareFolders => {
	rmSync(root, { recursive: true, force: true });
	mkdirSync(root, { recursive: true, mode: 0o700 });
	const ready: string[] = [];
	let made = 0;
	let filling = false;
	let closed = false;

	const fill = async (): Promise<void> => {
		if (filling) return;
		filling = true;
		try {
			while (ready.length < KEPT && !closed) ready.push(await makeFolder(`${root}/${++made}`));
		} catch (error) {
			warn(`no spare folders can be made in ${root}`, error);
		} finally {
			filling = false;
		}
	};
	void fill();

	return {
		take: () => {
			const folder = ready.shift() ?? null;
			void fill();
			return folder;
		},
		close: () => {
			closed = true;
		},
	};
};

const makeFolder = async (folder: string): Promise<string> => {
	await mkdir(folder, { mode: 0o700 });
	for (const name of ["work", "inputs", "outputs"]) await mkdir(`${folder}/${name}`);
	for (const name of ["task.bin", "params.json", "stdout", "stderr"]) {
		await writeFile(`${folder}/${name}`, "", { mode: 0o600 });
	}
	return folder;
};
