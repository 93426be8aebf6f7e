/** Log files of a bounded size: `path` is written, `path.1` was before it, and so on up to the last that is kept. */

import { renameSync, rmSync, statSync } from "node:fs";

/** Of one file. */
export const LOG_FILE_BYTES = 10 * 1024 * 1024;

/** 0 where there is none. */
export const fileSize = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Makes room for a new file at `path`; the oldest of the `kept` goes. */
export const shiftFiles = (path: string, kept: number): void => {
	rmSync(`${path}.${kept - 1}`, { force: true });
	for (let number = kept - 1; number > 0; number--) {
		const older = number === 1 ? path : `${path}.${number - 1}`;
		if (statSync(older, { throwIfNoEntry: false })) renameSync(older, `${path}.${number}`);
	}
};
