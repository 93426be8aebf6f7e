/** One `up` for a home. */

import { mkdirSync } from "node:fs";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { type FileLock, lockFile, lockOwner } from "#shared/lock.ts";
import { readMesh } from "#shared/mesh.ts";
import type { ProcessIdentity } from "#shared/process.ts";

/** Throws RM_ALREADY_UP when a living process holds it. */
export const lockHome = (home: Home): FileLock => {
	mkdirSync(home.root, { recursive: true, mode: 0o700 });
	return lockFile(home.lock, (owner) => alreadyUp(home, owner));
};

/** The living owner; null when there is none. */
export const homeOwner = (home: Home): ProcessIdentity | null => lockOwner(home.lock);

const alreadyUp = (home: Home, { pid }: ProcessIdentity): RunmeshError => {
	const mesh = readMesh(home);
	const at = mesh?.pid === pid ? ` at ${mesh.url}` : "";
	return new RunmeshError("RM_ALREADY_UP", `a mesh already runs on ${home.root}${at} (process ${pid})`, {
		hint: "use it as it is, stop it with `runmesh down`, or start another with `--home <folder>` and ports of its own",
		details: { pid, url: mesh?.url ?? null },
	});
};
