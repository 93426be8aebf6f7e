/**
 * Folders that nobody needs any more. Moving one away costs next to nothing; they are removed together, by a process
 * of their own, for taking a tree apart would cost the agent more than running the step did.
 */

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, renameSync } from "node:fs";

export interface Trash {
	/** Gone from its place when this returns. */
	discard(folder: string): void;
	close(): void;
}

const SWEEP_MS = 1_000;
const SWEPT_AT_ONCE = 500;

export const openTrash = (root: string, warn: (message: string, error: unknown) => void): Trash => {
	mkdirSync(root, { recursive: true, mode: 0o700 });
	let waiting = readdirSync(root);
	// Of its own: in a container every agent may have the same process id.
	const session = randomBytes(6).toString("hex");
	let discarded = 0;
	let timer: NodeJS.Timeout | null = null;
	let closed = false;

	const sweep = (): void => {
		const swept = waiting.slice(0, SWEPT_AT_ONCE);
		waiting = waiting.slice(SWEPT_AT_ONCE);
		// A step may have taken its own rights to a folder away. Where it left a link instead, nobody follows.
		const script = 'find "$@" -type d ! -perm -700 -exec chmod u+rwx {} \\; 2>/dev/null; exec rm -rf -- "$@"';
		execFile("/bin/sh", ["-c", script, "sweep", ...swept], { cwd: root }, (error) => {
			timer = null;
			if (error) warn(`not all of ${root} could be removed`, error);
			if (waiting.length > 0) sweepSoon();
		});
	};
	const sweepSoon = (): void => {
		// With so many about, a pause would let them pile up.
		if (!closed) timer ??= setTimeout(sweep, waiting.length < SWEPT_AT_ONCE ? SWEEP_MS : 0);
	};
	if (waiting.length > 0) sweepSoon();

	return {
		discard: (folder) => {
			const name = `${session}-${++discarded}`;
			try {
				renameSync(folder, `${root}/${name}`);
			} catch (error) {
				if ((error as NodeJS.ErrnoException).code !== "ENOENT") warn(`${folder} could not be moved away`, error);
				return;
			}
			waiting.push(name);
			sweepSoon();
		},
		close: () => {
			closed = true;
			if (timer) clearTimeout(timer);
		},
	};
};
