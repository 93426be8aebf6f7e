/** Who this coordinator is: an id kept with its home, and the lock that lets one process alone be it. */

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "#shared/home.ts";
import { type FileLock, lockFolder } from "#shared/lock.ts";

/** The same after every restart on this home, so that a restarted coordinator takes its own lead over at once. */
export const coordinatorIdentity = (home: Home): string => {
	mkdirSync(home.coordinator, { recursive: true, mode: 0o700 });
	const path = join(home.coordinator, "id");
	const known = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
	// Two that a power cut left without one would take each other's lead for their own.
	if (known !== "") return known;
	const id = `c-${randomBytes(6).toString("hex")}`;
	writeFileSync(`${path}.new`, `${id}\n`, { flush: true });
	renameSync(`${path}.new`, path);
	return id;
};

/** Before anything else of the home is used: two processes of one identity would take the lead from each other. */
export const lockCoordinator = (home: Home): FileLock => {
	mkdirSync(home.coordinator, { recursive: true, mode: 0o700 });
	return lockFolder(home.coordinator, "coordinator");
};
